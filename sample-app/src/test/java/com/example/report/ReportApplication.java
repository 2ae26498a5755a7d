package com.example.report;

import org.springframework.boot.autoconfigure.SpringBootApplication;

@SpringBootApplication
class ReportApplication {

}
