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
    headers      jsonb       default null,
    dedupe_key   text        default null, -- executions of the task with the same key are one
    on_duplicate text        default null, -- keep (the default) or replace what has the key and has not begun
    throttle     interval    default null, -- once within this time
    debounce     interval    default null, -- when nobody has called for this time, at the latest after
    max_wait     interval    default null
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

    perform ${schema}.verify_keyed(dedupe_key, on_duplicate, throttle, debounce, max_wait, invoke.run_at is not null
        or invoke.delay is not null);
    if coalesce(invoke.dedupe_key, invoke.throttle::text, invoke.debounce::text) is not null then
        return (
            select k.executions[1] from ${schema}.invoke_keyed(
                invoke.task, array[created], array[invoke.payload::text], array[invoke.headers::text], array[invoke.queue],
                array[invoke.priority], array[invoke.run_at], array[pg_catalog.date_part('epoch', invoke.delay)],
                array[invoke.max_attempts], array[invoke.dedupe_key],
                array[case when invoke.throttle is not null then 'throttle' when invoke.debounce is not null then 'debounce'
                           else coalesce(invoke.on_duplicate, 'keep') end],
                array[pg_catalog.date_part('epoch', coalesce(invoke.throttle, invoke.debounce))],
                array[pg_catalog.date_part('epoch', invoke.max_wait)]) k);
    end if;

    due_at := coalesce(invoke.run_at, started + invoke.delay, started);
    select * into definition from ${schema}.task t where t.name = invoke.task;
    known := found;
    insert into ${schema}.execution
        (id, task, queue, priority, max_attempts, payload, headers, created_at, run_at, phase, gate)
    values (
        created, invoke.task, coalesce(invoke.queue, definition.queue), coalesce(invoke.priority, definition.priority),
        coalesce(invoke.max_attempts, definition.max_attempts), invoke.payload, invoke.headers, started, due_at,
        case when due_at > started then 'future' when known and not definition.held then 'due' else 'held' end,
        case when definition.gate is not null then ${schema}.gate_of(definition, invoke.payload::json) end);

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

-- The engine's own: refuses what contradicts itself, as InvokeOptions does.
create or replace function ${schema}.verify_keyed(
    dedupe_key text, on_duplicate text, throttle interval, debounce interval, max_wait interval, timed boolean) returns void
language plpgsql immutable
as $$
declare
    problem text := case
        when dedupe_key = '' or pg_catalog.length(dedupe_key) > 512
            then pg_catalog.format('dedupe_key must be 1 to 512 characters, had %s', pg_catalog.length(dedupe_key))
        when on_duplicate not in ('keep', 'replace')
            then pg_catalog.format('on_duplicate must be keep or replace, was %L', on_duplicate)
        when on_duplicate is not null and dedupe_key is null
            then 'on_duplicate needs a dedupe_key: give one, or leave it out'
        when throttle is not null and debounce is not null
            then 'throttle and debounce exclude each other: give one of them'
        when on_duplicate = 'replace' and (throttle is not null or debounce is not null)
            then 'on_duplicate replace excludes throttle and debounce: give one of them'
        when throttle < interval '1 millisecond' or throttle > interval '10 years'
            then pg_catalog.format('throttle must be between 1 ms and 10 years, was %s', throttle)
        when debounce < interval '1 millisecond' or debounce > interval '10 years'
            then pg_catalog.format('debounce must be between 1 ms and 10 years, was %s', debounce)
        when max_wait is not null and debounce is null
            then 'max_wait is of a debounce: give one, too'
        when max_wait < debounce
            then pg_catalog.format('max_wait must not be less than the debounce of %s, was %s', debounce, max_wait)
        when max_wait > interval '10 years'
            then pg_catalog.format('max_wait must be between 1 ms and 10 years, was %s', max_wait)
        when debounce is not null and timed
            then 'debounce excludes run_at and delay: give one of them'
    end;
begin
    if problem is not null then
        raise exception '%', problem using errcode = 'invalid_parameter_value';
    end if;
end
$$;
