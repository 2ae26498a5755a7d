-- Emits an event, in the caller's transaction: every task that subscribes to it runs, and who waits for it goes on. With a dedupe_key,
-- an event of that name and key is emitted once, as long as it is kept. Returns the event's id, or that of the first one with
-- its key. The same as ConductorClient.emit:
--   select ${schema}.emit('order.shipped', '{"orderId": 7}', dedupe_key => 'order-7');
create or replace function ${schema}.emit(event text, payload jsonb default null, dedupe_key text default null) returns uuid
language plpgsql volatile
as $$
begin
    if emit.event is null or emit.event !~ '^[^[:cntrl:]]{1,200}$' or emit.event ~ '^\s|\s$' or emit.event like '%*%' then
        raise exception 'event must be 1 to 200 characters without *, control characters and outer white space, was %',
            pg_catalog.quote_nullable(emit.event) using errcode = 'invalid_parameter_value';
    end if;
    if emit.dedupe_key = '' or pg_catalog.length(emit.dedupe_key) > 512 then
        raise exception 'dedupe_key must be 1 to 512 characters, had %', pg_catalog.length(emit.dedupe_key)
            using errcode = 'invalid_parameter_value';
    end if;
    return (select e.id from ${schema}.emit_event(${schema}.uuid_v7(), emit.event, emit.payload, emit.dedupe_key) e);
end
$$;

-- Whether a payload passes a filter. Silent, and with time zones: what a filter cannot do with some payload is no error in the
-- transaction of who emits that. A single expression, so that the planner inlines it.
create or replace function ${schema}.passes(payload jsonb, filter jsonpath) returns boolean
language sql stable parallel safe
as $$ select filter is null or pg_catalog.jsonb_path_match_tz(coalesce(payload, 'null'), filter, '{}', true) $$;

-- The same, when a filter has failed: there are errors that silence doesn't cover, such as a template of a date that is found to be
-- none only when there is a text to read. What fails doesn't pass. Too slow for every emission.
create or replace function ${schema}.passes_safely(payload jsonb, filter jsonpath) returns boolean
language plpgsql stable
as $$
begin
    return ${schema}.passes(payload, filter);
exception when data_exception or undefined_object then
    return false;
end
$$;

-- The engine's own: emits an event that was checked, under a new id. Also returns who has something to do now.
create or replace function ${schema}.emit_event(
    new_id uuid, event text, payload jsonb, dedupe_key text, out id uuid, out targets text[])
language plpgsql volatile
-- Planning would take four times as long as all the rest
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
    -- Before anything is looked at: a wait that is not seen below sees that this transaction has not ended
    own_xid     xid8 := pg_catalog.pg_current_xact_id();
    awaits      boolean;
    safely      boolean := false;
    subscribers ${schema}.subscription[];
begin
    loop
        insert into ${schema}.event (id, name, payload, dedupe_key, emitted_at, xid, awaited)
        values (emit_event.new_id, emit_event.event, emit_event.payload, emit_event.dedupe_key, ${schema}.now(), own_xid,
                -- With a snapshot of its own a transaction doesn't see who has begun to wait since
                pg_catalog.current_setting('transaction_isolation') <> 'read committed'
                    -- A range in order, though of one name: if most wait for the same event, the planner would rather read the table
                    or (select w.event from ${schema}.event_wait w
                        where w.event >= emit_event.event and w.event <= emit_event.event
                        order by w.event limit 1) is not null)
        on conflict (name, dedupe_key) where dedupe_key is not null do nothing
        returning awaited into awaits;
        exit when found;
        select e.id into id from ${schema}.event e
        where e.name = emit_event.event and e.dedupe_key = emit_event.dedupe_key;
        if found then
            targets := '{}';
            return;
        end if;
    end loop;

    id := emit_event.new_id;
    -- Apart, since nothing is written here: so the block takes no id of a subtransaction
    loop
        begin
            subscribers := array (
                select s from ${schema}.subscription s
                where s.event = emit_event.event and not s.prefix
                  and case when safely then ${schema}.passes_safely(emit_event.payload, s.filter)
                           else ${schema}.passes(emit_event.payload, s.filter) end
                union all
                select s from ${schema}.subscription s
                where s.prefix and pg_catalog.starts_with(emit_event.event, s.event)
                  and case when safely then ${schema}.passes_safely(emit_event.payload, s.filter)
                           else ${schema}.passes(emit_event.payload, s.filter) end);
            exit;
        exception when data_exception or undefined_object then
            if safely then
                raise;
            end if;
            safely := true;
        end;
    end loop;
    with created as (
        insert into ${schema}.execution
            (id, task, queue, priority, max_attempts, payload, headers, created_at, run_at, phase, gate)
        select ${schema}.uuid_v7(), s.task, t.queue, t.priority, t.max_attempts, p.payload,
               pg_catalog.json_build_object('conductor.event', emit_event.event, 'conductor.event-id', emit_event.new_id,
                   'conductor.time', ${schema}.now()),
               ${schema}.now(), ${schema}.now(), case when t.held is false then 'due' else 'held' end,
               case when t.gate is not null then ${schema}.gate_of(t, p.payload::json) end
        from unnest(subscribers) s left join ${schema}.task t on t.name = s.task
        cross join lateral (
            select case when s.fields is null then emit_event.payload
                        else (select coalesce(pg_catalog.jsonb_object_agg(f.key, f.value), '{}')
                              from pg_catalog.jsonb_each(case when pg_catalog.jsonb_typeof(emit_event.payload) = 'object'
                                                              then emit_event.payload else '{}' end) f
                              where f.key = any (s.fields)) end as payload) p
        returning queue, phase
    )
    select array (select 'queue:' || q.queue from (select distinct queue from created where phase = 'due') q
                  where ${schema}.wake('queue:' || q.queue) is not null)
    into targets;
    if awaits then
        perform ${schema}.wake('promoter');
        targets := targets || 'promoter'::text;
    end if;
end
$$;

-- The events that a wait may have missed: of transactions that were open when it was recorded, or have begun before anybody had looked
-- at it. Whoever began later has seen the wait, and marks its event. Not all since the oldest of those began: one that stays open for
-- hours would have them read again and again. The offsets and the range, which is one id, keep the planner from reading all events
-- of that name, be they thousands of one transaction.
create or replace function ${schema}.missable(event text, snapshot pg_snapshot, horizon xid8) returns setof ${schema}.event
language sql stable parallel safe
as $$
    select e.* from pg_catalog.pg_snapshot_xip(missable.snapshot) as open (xid) cross join lateral (
        select e.* from ${schema}.event e
        where e.name = missable.event and e.xid >= open.xid and e.xid <= open.xid offset 0) e
    union all
    (select e.* from ${schema}.event e
     where e.name = missable.event and e.xid >= pg_catalog.pg_snapshot_xmax(missable.snapshot)
       and e.xid < coalesce(missable.horizon, '18446744073709551615') offset 0)
$$;

-- Matches events with the waits for them: remembers each as a step's result, and wakes the execution. A user's transaction that emits
-- an event only marks it, and one node at a time does the rest here: so emitters never wait for one another. Locks executions, then
-- waits, like those who end executions; what somebody else has locked is left for the next time. Returns how many waits are over,
-- whether there is more to match at once, whether to look again soon, and the last marked event that had to be left: to look at those
-- after it first, so that they don't have to wait, too.
create or replace function ${schema}.match_events(
    most int, after uuid, out matched int, out more boolean, out unsettled boolean, out stuck uuid)
language plpgsql volatile
-- A plan for one event is none for a thousand
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
declare
    -- What transactions before this one have emitted is seen by all that follows
    ended           xid8 := pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot());
    safely          boolean := false;
    fresh           uuid[];
    marked          uuid[];
    pair_waits      uuid[];
    pair_executions uuid[];
    pair_events     uuid[];
    waits           uuid[];
    events          uuid[];
    left_waits      uuid[];
    left_events     uuid[];
    queues          text[];
begin
    matched := 0;
    more := false;
    unsettled := true;
    if not pg_catalog.pg_try_advisory_xact_lock(${schema}.wake_key('events')) then
        return;
    end if;
    -- Before this transaction writes, and so gets an id: who emits without seeing these waits has a smaller one
    fresh := array (select w.id from ${schema}.event_wait w where not w.settled and w.horizon is null);
    marked := array (
        select e.id from ${schema}.event e
        where e.awaited and (match_events.after is null or e.id > match_events.after)
        order by e.id limit most);
    -- Apart, since nothing is written here: so the block takes no id of a subtransaction
    loop
        begin
            select array_agg(p.wait_id), array_agg(p.execution_id), array_agg(p.event_id)
            into pair_waits, pair_executions, pair_events
            from (
                select distinct on (c.wait_id) c.wait_id, c.execution_id, c.event_id from (
                    select w.id as wait_id, w.execution_id, w.filter, e.id as event_id, e.payload
                    from ${schema}.event e join ${schema}.event_wait w on w.event = e.name
                    where e.id = any (marked) and not pg_catalog.pg_visible_in_snapshot(e.xid, w.snapshot)
                    union all
                    select w.id, w.execution_id, w.filter, e.id, e.payload
                    from ${schema}.event_wait w
                    cross join lateral ${schema}.missable(w.event, w.snapshot, w.horizon) e
                    where not w.settled) c
                where case when safely then ${schema}.passes_safely(c.payload, c.filter)
                           else ${schema}.passes(c.payload, c.filter) end
                order by c.wait_id, c.event_id) p;
            exit;
        exception when data_exception or undefined_object then
            if safely then
                raise;
            end if;
            safely := true;
        end;
    end loop;
    with free as materialized (
        select e.id from ${schema}.execution e
        where e.id = any (array (select unnest(pair_executions)))
        limit most for update skip locked
    )
    select array_agg(p.wait_id) filter (where f.id is not null), array_agg(p.event_id) filter (where f.id is not null),
           array_agg(p.wait_id) filter (where f.id is null), array_agg(p.event_id) filter (where f.id is null)
    into waits, events, left_waits, left_events
    from unnest(pair_waits, pair_executions, pair_events) as p (wait_id, execution_id, event_id)
    left join free f on f.id = p.execution_id;

    -- One that runs, or is due since its time is over, finds the step by itself
    with over as (
        delete from ${schema}.event_wait w
        using unnest(waits, events) as p (wait_id, event_id) join ${schema}.event e on e.id = p.event_id
        where w.id = p.wait_id
        returning w.execution_id, w.step, e.payload
    ), remembered as (
        insert into ${schema}.step (execution_id, name, kind, result, finished_at)
        select o.execution_id, o.step, 'event', coalesce(o.payload::json, 'null'), ${schema}.now() from over o
        on conflict do nothing
    ), woken as (
        update ${schema}.execution e set phase = 'due', run_at = ${schema}.now()
        from over o
        where e.id = o.execution_id and e.claimed_by is null and e.waiting_for = 'event' and e.phase = 'future'
        returning e.queue
    )
    select (select count(*) from over), array (select distinct queue from woken) into matched, queues;
    perform ${schema}.wake('queue:' || q) from unnest(queues) q;

    update ${schema}.event e set awaited = false
    where e.id = any (marked) and not exists (select from unnest(left_events) as l (id) where l.id = e.id);
    -- A user's open transaction may have locked, or deleted, what it has cancelled
    update ${schema}.event_wait w set settled = true
    where w.id = any (array (
        select w.id from ${schema}.event_wait w
        where not w.settled and w.horizon <= ended
          and not exists (select from unnest(left_waits) as l (id) where l.id = w.id)
        for update skip locked));
    -- Not the end of a snapshot: transactions with greater ids may be open already
    update ${schema}.event_wait w set horizon = pg_catalog.pg_current_xact_id()
    where w.id = any (array (select w.id from ${schema}.event_wait w where w.id = any (fresh) for update skip locked));
    if cardinality(waits) >= most then
        more := true;
    else
        more := cardinality(marked) = most;
        stuck := (select l.id from unnest(left_events) as l (id) where l.id = any (marked) order by l.id desc limit 1);
    end if;
    unsettled := left_waits is not null or exists (select from ${schema}.event_wait w where not w.settled);
end
$$;

-- Goes on waiting for events, unless they have come meanwhile: executions are given back, to be due at the deadline or at once.
create or replace function ${schema}.await_events(
    node uuid, ids uuid[], claim_nos int[], waits uuid[], out recorded uuid[], out woken text[])
language plpgsql volatile
as $$
#variable_conflict use_column
begin
    -- First: who has matched a wait in the meantime is seen by the statement that follows
    perform from ${schema}.execution e where e.id = any (ids) order by e.id for update;
    with done as (
        update ${schema}.execution e
        set claimed_by = null, waiting_for = 'event', run_at = coalesce(w.deadline, ${schema}.now()),
            phase = case when w.deadline > ${schema}.now() then 'future' else 'due' end
        from unnest(await_events.ids, await_events.claim_nos, await_events.waits) as o (execution_id, claim, wait_id)
        left join ${schema}.event_wait w on w.id = o.wait_id
        where e.id = o.execution_id and e.claim_no = o.claim and e.claimed_by = await_events.node
          and e.cancel_requested_at is null
        returning e.id, e.queue, e.phase, e.run_at
    ), target as (
        select distinct case phase when 'due' then 'queue:' || queue else 'promoter' end as name
        from done
        where phase = 'due' or run_at < ${schema}.now() + interval '5 seconds'
    )
    select array (select id from done), array (select t.name from target t where ${schema}.wake(t.name) is not null)
    into recorded, woken;
end
$$;

-- Gives up waiting for an event whose time is over, unless it has come after all: remembers either as the step's result.
create or replace function ${schema}.time_out_event(node uuid, execution uuid, claim_no int, wait uuid) returns void
language plpgsql volatile
as $$
#variable_conflict use_variable
declare
    waiting ${schema}.event_wait;
    arrived json;
begin
    perform from ${schema}.execution e
    where e.id = execution and e.claimed_by = node and e.claim_no = time_out_event.claim_no
    for key share;
    if not found then
        return;
    end if;
    select * into waiting from ${schema}.event_wait w where w.id = wait for update;
    if not found then
        return;
    end if;
    select coalesce(e.payload::json, 'null') into arrived
    from (
        select m.id, m.payload from ${schema}.event m
        where m.name = waiting.event and m.awaited and not pg_catalog.pg_visible_in_snapshot(m.xid, waiting.snapshot)
        union all
        select m.id, m.payload from ${schema}.missable(waiting.event, waiting.snapshot, waiting.horizon) m
        where not waiting.settled) e
    where ${schema}.passes_safely(e.payload, waiting.filter)
    order by e.id
    limit 1;
    insert into ${schema}.step (execution_id, name, kind, result, finished_at)
    values (execution, waiting.step, 'event', arrived, ${schema}.now());
    delete from ${schema}.event_wait w where w.id = wait;
end
$$;
