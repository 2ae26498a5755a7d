package com.example.workflows;

interface Crm {

	int put(long contactId);

}
