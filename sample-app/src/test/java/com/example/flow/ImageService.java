package com.example.flow;

interface ImageService {

	void shrink(String file);

}
