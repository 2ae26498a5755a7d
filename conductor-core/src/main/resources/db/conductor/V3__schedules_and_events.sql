-- Schedules, events, and which application has declared which of them.
update ${schema}.schema_version set version = 3, min_compatible = 3;

alter table ${schema}.node
    add column definitions text,         -- digest of the schedules and subscriptions that it declares
    add column keep_events interval;     -- how long it wants events to be kept; null: for ever

-- The sets of schedules and subscriptions that nodes of an application have declared. The newest one that some live node declares
-- is what counts. A set is as old as its first node, so that an old replica that starts again changes nothing.
create table ${schema}.definition_set (
    application   text        not null,
    digest        text        not null,
    first_seen_at timestamptz not null,
    last_seen_at  timestamptz not null,
    state         text        not null check (state in ('declared', 'added', 'applied')), -- applied: the others' are dropped, too
    primary key (application, digest)
);

create table ${schema}.schedule (
    task              text        not null,
    name              text        not null,
    cron              text        not null,
    zone              text        not null,
    payload           json,
    misfire           text        not null check (misfire in ('run_once', 'skip')),
    overlap           text        not null check (overlap in ('allow', 'skip')),
    declared          boolean     not null,       -- by an annotation, rather than at run time: its declaration decides about it
    application       text,                       -- that has declared it
    paused            boolean     not null default false,
    error             text,                       -- why it cannot be fired
    changed_at        timestamptz not null,       -- when it was changed, or its last tick: those after it are to come
    next_run_at       timestamptz,                -- null: none; -infinity: to be computed
    last_run_at       timestamptz,                -- the tick that was fired last
    last_execution_id uuid,
    primary key (task, name)
) with (fillfactor = 70, vacuum_truncate = off);

create index schedule_next on ${schema}.schedule (next_run_at)
    where next_run_at is not null;
create index schedule_error on ${schema}.schedule (task, name)
    where error is not null;

-- Which tasks are to run for which events.
create table ${schema}.subscription (
    task        text     not null,
    event       text     not null,                -- its name, or what its name begins with
    prefix      boolean  not null,
    filter      jsonpath,
    fields      text[],                           -- of the payload; null: all of it
    application text,                             -- that has declared it
    primary key (task, event, prefix)
);

create index subscription_event on ${schema}.subscription (event)
    where not prefix;
create index subscription_prefix on ${schema}.subscription (event)
    where prefix;

create table ${schema}.event (
    id         uuid        not null primary key,
    name       text        not null,
    payload    jsonb,
    dedupe_key text,
    emitted_at timestamptz not null,
    xid        xid8        not null,              -- the transaction that has emitted it
    awaited    boolean     not null               -- somebody may wait for it: to be matched with the waits
) with (vacuum_truncate = off);

create index event_name on ${schema}.event (name, xid);
create unique index event_dedupe_key on ${schema}.event (name, dedupe_key)
    where dedupe_key is not null;
create index event_awaited on ${schema}.event (id)
    where awaited;
create index event_awaited_name on ${schema}.event (name)
    where awaited;

-- What executions wait for. An event counts whose transaction had not ended when the wait was recorded. One that was being emitted
-- at that moment may not have seen the wait, nor the wait it: until all transactions of that time have ended, the wait is unsettled.
create table ${schema}.event_wait (
    id           uuid        not null primary key,
    execution_id uuid        not null,
    step         text        not null,
    event        text        not null,
    filter       jsonpath,
    snapshot     pg_snapshot not null,
    deadline     timestamptz not null,
    horizon      xid8,                            -- the first transaction to look at the wait: later ones see it
    settled      boolean     not null default false,
    unique (execution_id, step)
) with (vacuum_truncate = off);

create index event_wait_event on ${schema}.event_wait (event);
create index event_wait_unsettled on ${schema}.event_wait (id)
    where not settled;

alter table ${schema}.step
    drop constraint step_kind_check,
    add constraint step_kind_check check (kind in ('step', 'sleep', 'child', 'children', 'event'));
