package com.example.triggers;

interface Mail {

	void send(String to, String text);

}
