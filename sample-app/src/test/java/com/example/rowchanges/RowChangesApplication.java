package com.example.rowchanges;

import org.springframework.boot.autoconfigure.SpringBootApplication;

@SpringBootApplication
class RowChangesApplication {

}
