-- One row for each event that has earned points, so that none counts twice.
create table loyalty_entry (
	event_id uuid primary key,
	customer text not null,
	points integer not null check (points > 0),
	earned_at timestamptz not null
);

create index loyalty_entry_customer on loyalty_entry (customer);

-- One row for each tick of the schedule.
create table sales_report (
	made_for timestamptz primary key,
	orders integer not null,
	revenue integer not null
);
