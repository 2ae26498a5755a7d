package com.example.flow;

import java.util.List;

interface SearchIndex {

	void update(long article);

	void save(List<Products.Product> products);

}
