create table stock (
	item text primary key,
	available integer not null check (available >= 0)
);

insert into stock (item, available) values ('book', 10000), ('lamp', 100), ('piano', 1);

-- What the payment gateway has booked: once per key, however often it was asked.
create table charge (
	idempotency_key text primary key,
	customer text not null,
	amount integer not null check (amount > 0),
	requests integer not null default 1,
	charged_at timestamptz not null default now(),
	refunded_at timestamptz
);

alter table orders
	add column execution_id uuid,
	drop constraint orders_status_check,
	drop constraint orders_check,
	add constraint orders_status_check check (status in ('placed', 'reserved', 'shipped', 'cancelled')),
	add constraint orders_shipped_check check ((shipped_at is not null) = (status = 'shipped'));
