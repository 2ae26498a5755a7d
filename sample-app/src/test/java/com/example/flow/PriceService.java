package com.example.flow;

import java.util.List;

interface PriceService {

	List<Integer> pricesOf(List<String> items);

}
