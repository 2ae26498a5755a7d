create table usage (
	id bigint generated always as identity primary key,
	customer_id bigint not null,
	units integer not null
);
