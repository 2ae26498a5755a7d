package com.example.flow;

interface Billing {

	void charge(long customer, int units);

}
