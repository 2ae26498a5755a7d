package com.example.triggers;

interface PriceList {

	void load();

}
