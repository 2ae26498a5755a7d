package com.example.triggers;

import org.springframework.boot.autoconfigure.SpringBootApplication;

@SpringBootApplication
class TriggersApplication {

}
