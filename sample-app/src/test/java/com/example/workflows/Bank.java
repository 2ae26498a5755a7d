package com.example.workflows;

interface Bank {

	Receipt charge(String key, int amount);

	record Receipt(String number, int amount) {
	}

}
