package com.example.triggers;

import io.pgconductor.EventDefinition;

record OrderPlaced(long id, String customer, int total) {

	static final EventDefinition<OrderPlaced> EVENT = EventDefinition.of("order.placed", OrderPlaced.class);

}
