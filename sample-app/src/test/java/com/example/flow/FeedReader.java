package com.example.flow;

interface FeedReader {

	void read(String url);

}
