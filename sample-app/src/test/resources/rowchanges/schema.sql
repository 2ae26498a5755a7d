create table contact (
	id uuid primary key,
	email text not null,
	first_name text not null,
	active boolean not null default true,
	created_at timestamptz not null default now()
);

create table address (
	id bigint generated always as identity primary key,
	contact_id uuid not null references contact on delete cascade,
	street text not null
);

create type quality as enum ('GOOD', 'BAD');

create table measurement (
	id bigint generated always as identity primary key,
	taken_at timestamptz not null,
	day date not null,
	took interval not null,
	value numeric not null,
	"Unit" text not null,
	quality quality not null,
	tags text[] not null,
	raw bytea not null,
	details jsonb not null,
	twice numeric generated always as (value * 2) stored,
	note text
);
