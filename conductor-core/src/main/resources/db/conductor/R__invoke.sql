-- Enqueues one execution of a task, for psql, triggers and other languages. What is not given comes from the task. The same as
-- ConductorClient.invoke, in the caller's transaction:
--   select ${schema}.invoke('send-email', '{"to": "ada@example.com"}', delay => '5 minutes');
create or replace function ${schema}.invoke(
    task         text,
    payload      jsonb       default null,
    queue        text        default null,
    priority     int         default null,
    run_at       timestamptz default null,
    delay        interval    default null,
    max_attempts int         default null,
    headers      jsonb       default null
) returns uuid
language plpgsql volatile
as $$
#variable_conflict use_column
declare
    definition ${schema}.task;
    known      boolean;
    started    timestamptz := ${schema}.now();
    due_at     timestamptz;
    created    uuid        := ${schema}.uuid_v7();
begin
    if invoke.task is null or invoke.task !~ '^[^[:cntrl:]]{1,200}$' or invoke.task ~ '^\s|\s$' then
        raise exception 'task must be 1 to 200 characters without control characters and outer white space, was %',
            pg_catalog.quote_nullable(invoke.task) using errcode = 'invalid_parameter_value';
    end if;
    if invoke.queue !~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$' then
        raise exception 'queue must be 1 to 63 letters, digits, dots, dashes and underscores, was %',
            pg_catalog.quote_literal(invoke.queue) using errcode = 'invalid_parameter_value';
    end if;
    if invoke.run_at is not null and invoke.delay is not null then
        raise exception 'run_at and delay exclude each other: give one of them'
            using errcode = 'invalid_parameter_value';
    end if;
    if invoke.delay < interval '0' or invoke.delay > interval '1000 years' then
        raise exception 'delay must be between 0 and 1000 years, was %', invoke.delay
            using errcode = 'invalid_parameter_value';
    end if;
    if invoke.max_attempts < 1 then
        raise exception 'max_attempts must be at least 1, was %', invoke.max_attempts
            using errcode = 'invalid_parameter_value';
    end if;
    if pg_catalog.jsonb_typeof(invoke.headers) <> 'object'
        or exists (select from pg_catalog.jsonb_each(invoke.headers) h where pg_catalog.jsonb_typeof(h.value) <> 'string') then
        raise exception 'headers must be a JSON object of strings, was %', invoke.headers
            using errcode = 'invalid_parameter_value';
    end if;

    if exists (select from pg_catalog.jsonb_object_keys(invoke.headers) h where pg_catalog.starts_with(h, 'conductor.')) then
        raise exception 'headers must not begin with "conductor.", which say what has made a task run: %', invoke.headers
            using errcode = 'invalid_parameter_value';
    end if;

    due_at := coalesce(invoke.run_at, started + invoke.delay, started);
    select * into definition from ${schema}.task t where t.name = invoke.task;
    known := found;
    insert into ${schema}.execution
        (id, task, queue, priority, max_attempts, payload, headers, created_at, run_at, phase)
    values (
        created, invoke.task, coalesce(invoke.queue, definition.queue), coalesce(invoke.priority, definition.priority),
        coalesce(invoke.max_attempts, definition.max_attempts), invoke.payload, invoke.headers, started, due_at,
        case when due_at > started then 'future' when known and not definition.held then 'due' else 'held' end);

    if due_at > started then
        if due_at < started + interval '5 seconds' then
            perform ${schema}.wake('promoter');
        end if;
    elsif known and not definition.held then
        perform ${schema}.wake('queue:' || coalesce(invoke.queue, definition.queue));
    end if;
    return created;
end
$$;
