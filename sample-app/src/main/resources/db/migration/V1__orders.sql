create table orders (
	id bigint generated always as identity primary key,
	customer text not null,
	item text not null,
	quantity integer not null check (quantity > 0),
	status text not null check (status in ('placed', 'shipped')),
	placed_at timestamptz not null default now(),
	shipped_at timestamptz check ((shipped_at is null) = (status = 'placed'))
);
