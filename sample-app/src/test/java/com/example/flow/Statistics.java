package com.example.flow;

interface Statistics {

	void count(String page);

}
