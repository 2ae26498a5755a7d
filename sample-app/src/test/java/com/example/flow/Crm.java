package com.example.flow;

interface Crm {

	void synchronize(String tenant, int revision);

}
