package com.example.signup;

import java.util.UUID;

import org.springframework.http.HttpStatus;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

@RestController
class SignupController {

	private final SignupService signups;

	SignupController(SignupService signups) {
		this.signups = signups;
	}

	@PostMapping("/signups")
	UUID signUp(@RequestParam String email) {
		return this.signups.signUp(email);
	}

	@ExceptionHandler(IllegalArgumentException.class)
	@ResponseStatus(HttpStatus.BAD_REQUEST)
	String refuse(IllegalArgumentException ex) {
		return ex.getMessage();
	}

}
