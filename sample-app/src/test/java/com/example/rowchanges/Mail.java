package com.example.rowchanges;

interface Mail {

	void send(String to, String text);

}
