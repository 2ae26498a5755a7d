package com.example.workflows;

import java.io.IOException;

interface Warehouse {

	void pack(long orderId) throws IOException;

}
