package com.example.workflows;

interface SearchIndex {

	void load(int page);

	boolean removeNextOutdated();

}
