package com.example.rowchanges;

import java.util.UUID;

record Contact(UUID id, String email, String firstName) {
}
