package com.example.flow;

interface Ledger {

	void book(String reference, int amount);

}
