package com.example.flow;

import java.util.List;

interface PushService {

	List<Delivery> send(List<String> devices, List<String> texts);

	enum Delivery {

		DONE, UNKNOWN_DEVICE, TRY_LATER

	}

}
