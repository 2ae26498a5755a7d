-- When fewer than reorder_below are left or on their way, reorder_quantity more are ordered. 0: never.
alter table stock
	add column on_order integer not null default 0 check (on_order >= 0),
	add column reorder_below integer not null default 0 check (reorder_below >= 0),
	add column reorder_quantity integer not null default 0 check (reorder_quantity >= 0);

update stock set reorder_below = 1000, reorder_quantity = 5000 where item = 'book';
update stock set reorder_below = 50, reorder_quantity = 100 where item = 'lamp';
