package com.example.flow;

interface Mail {

	void send(String to, String text);

}
