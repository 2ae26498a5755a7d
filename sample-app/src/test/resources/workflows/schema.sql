create table orders (
	id bigint generated always as identity primary key,
	customer text not null,
	amount integer not null
);

create table subscription (
	id bigint generated always as identity primary key,
	execution_id uuid not null
);

create table account (
	name text primary key,
	balance integer not null
);
