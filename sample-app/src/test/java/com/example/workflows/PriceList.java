package com.example.workflows;

interface PriceList {

	void load(String supplier);

}
