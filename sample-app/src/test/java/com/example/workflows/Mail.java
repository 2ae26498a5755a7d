package com.example.workflows;

interface Mail {

	void send(String to, String text);

}
