create table "Order" (
	id bigint generated always as identity primary key,
	item_name text not null,
	quantity integer not null
);
