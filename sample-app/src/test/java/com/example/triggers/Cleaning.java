package com.example.triggers;

import org.springframework.stereotype.Component;

@Component
class Cleaning {

	@Nightly
	void cleanUp() {
	}

}
