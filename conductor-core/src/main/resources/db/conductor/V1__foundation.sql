-- Version of this schema, and of the oldest jar that can work with it. Every versioned migration updates both.
create table ${schema}.schema_version (
    version        int not null,
    min_compatible int not null
);
insert into ${schema}.schema_version (version, min_compatible) values (1, 1);

-- What worker nodes know of their tasks, so that clients, psql and triggers need not.
create table ${schema}.task (
    name           text        not null primary key,
    queue          text        not null,
    priority       int         not null,
    max_attempts   int         not null,
    keep_completed interval,             -- null: for ever; zero: not at all
    keep_failed    interval,
    held           boolean     not null default false, -- no live node serves it: its executions are held back
    unserved_since timestamptz,
    former_queues  text[]      not null default '{}', -- which its executions may still be on
    registered_at  timestamptz not null default pg_catalog.now()
);

-- A process that runs workers. A dead one stays as a tombstone until nothing can be left of it.
create table ${schema}.node (
    id          uuid        not null primary key,
    application text,
    host        text        not null,
    queues      text[]      not null default '{}',
    tasks       text[]      not null,
    started_at  timestamptz not null default pg_catalog.now(),
    alive_until timestamptz not null,
    dead_at     timestamptz,
    rescue_at   timestamptz              -- of a dead one: when to look again for what it has left
);

-- Live executions. A claim must stay a HOT update: no index, and no predicate of one, may mention claim_no, attempt,
-- claimed_by, claimed_at, waiting_for or error. Half of a page stays free, since a claim's batch takes whole pages and each row
-- needs its second version beside it.
create table ${schema}.execution (
    id           uuid        not null primary key,
    run_at       timestamptz not null,
    created_at   timestamptz not null,
    claimed_at   timestamptz,
    claimed_by   uuid,                   -- the node that runs it
    claim_no     int         not null default 0, -- the fence: a worker writes only under the number of its claim
    attempt      int         not null default 0,
    priority     int,                    -- null, like queue and max_attempts: until the task is registered
    max_attempts int,
    queue        text,
    phase        text        not null check (phase in ('future', 'due', 'held', 'parked', 'running')),
    gate         text,
    task         text        not null,
    waiting_for  text        check (waiting_for in ('sleep', 'children', 'event')),
    payload      json,
    headers      json,
    error        json,
    check (phase in ('future', 'held') or (queue is not null and priority is not null and max_attempts is not null))
) with (
    fillfactor = 45,
    autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_vacuum_threshold = 10000,
    autovacuum_vacuum_insert_scale_factor = 0.05,
    autovacuum_vacuum_cost_delay = 0,
    vacuum_truncate = off                -- it would lock everybody out for a moment
);

create index execution_ready on ${schema}.execution (queue, priority desc, run_at, id)
    where phase = 'due' and gate is null;
create index execution_future on ${schema}.execution (run_at)
    where phase = 'future';
create index execution_held on ${schema}.execution (task)
    where phase = 'held';

-- Finished executions, moved here by the statement that deletes them from the live table.
create table ${schema}.finished_execution (
    id            uuid        not null primary key,
    run_at        timestamptz not null,
    created_at    timestamptz not null,
    claimed_at    timestamptz,
    finished_at   timestamptz not null,
    expires_at    timestamptz,           -- null: never pruned
    claim_no      int         not null,
    attempt       int         not null,
    priority      int,                   -- null, like queue and max_attempts: cancelled before the task was registered
    max_attempts  int,
    queue         text,
    state         text        not null check (state in ('completed', 'failed', 'cancelled')),
    task          text        not null,
    payload       json,
    headers       json,
    result        json,
    error         json,
    cancel_reason text
) with (
    autovacuum_vacuum_scale_factor = 0.05,
    vacuum_truncate = off
);

create index finished_execution_expires on ${schema}.finished_execution (expires_at)
    where expires_at is not null;
