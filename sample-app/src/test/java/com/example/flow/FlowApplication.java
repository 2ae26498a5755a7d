package com.example.flow;

import org.springframework.boot.autoconfigure.SpringBootApplication;

@SpringBootApplication
class FlowApplication {

}
