-- Steps, sleeps, children, cancellation of what runs, progress.
update ${schema}.schema_version set version = 2, min_compatible = 2;

-- None of these columns is indexed but parent_id, which is written once: a claim stays a HOT update.
alter table ${schema}.execution
    add column parent_id           uuid,        -- the execution that invoked it as a child
    add column wait_id             uuid,        -- what that one waits on, and
    add column part                int,         -- which of its children this is
    add column cancel_requested_at timestamptz, -- while it is claimed: it ends cancelled, whatever its handler does
    add column cancel_reason       text,
    add column awaited_until       timestamptz, -- a client waits for its end: tell, and keep it until then
    add column progress            float8,
    add column progress_message    text,
    drop constraint execution_waiting_for_check,
    add constraint execution_waiting_for_check check (waiting_for in ('sleep', 'children', 'event', 'window'));

create index execution_parent on ${schema}.execution (parent_id)
    where parent_id is not null;

alter table ${schema}.finished_execution
    add column parent_id uuid;

create index finished_execution_parent on ${schema}.finished_execution (parent_id)
    where parent_id is not null;

-- What an execution remembers, until it is pruned: results of steps, ends of sleeps, results of children.
create table ${schema}.step (
    execution_id uuid        not null,
    name         text        not null,
    part         int         not null default 0, -- of several children: which one's result
    kind         text        not null check (kind in ('step', 'sleep', 'child', 'children')),
    result       json,
    finished_at  timestamptz not null,
    primary key (execution_id, name, part)
) with (vacuum_truncate = off);

-- What an execution waits on, or has waited on in vain. A child that ends without finding its wait is late: nobody cares.
create table ${schema}.child_wait (
    id          uuid        not null primary key,
    parent_id   uuid        not null,
    step        text        not null,
    kind        text        not null check (kind in ('child', 'children')),
    pending     int         not null,             -- children that have not ended
    result_size bigint      not null default 0,   -- of those that have, together
    max_size    bigint      not null,
    deadline    timestamptz,
    error       json,                             -- what it ended with, if not with all results: remembered like a step
    unique (parent_id, step)
) with (fillfactor = 50, vacuum_truncate = off);

-- How an execution ended, as far as it concerns others: its parent, and its children.
create type ${schema}.ended as (
    id            uuid,
    task          text,
    wait_id       uuid,
    part          int,
    state         text,
    result        json,
    error         json,
    cancel_reason text,
    kept          boolean, -- with its steps, as a finished execution
    awaited       boolean  -- by a client
);
