-- What the end of an execution means for others. These functions are the engine's own. Whoever ends executions locks waits
-- first, by id, and executions then: so a parent and its children can end at the same moment.

-- Tells the node that runs an execution of a request to cancel it; without notifications it looks for itself.
create or replace function ${schema}.tell_cancelled() returns void
language plpgsql volatile
as $$
begin
    if pg_catalog.current_setting('conductor.notify', true) is distinct from 'off' then
        perform pg_catalog.pg_notify('${schema}:wake', 'cancelled');
    end if;
end
$$;

-- Tells clients that wait for the end of an execution.
create or replace function ${schema}.tell_finished(ended ${schema}.ended[]) returns void
language plpgsql volatile
as $$
begin
    if pg_catalog.current_setting('conductor.notify', true) is distinct from 'off' then
        perform pg_catalog.pg_notify('${schema}:finished', e.id::text) from unnest(ended) e where e.awaited;
    end if;
end
$$;

-- An array, since a subquery's rows would be joined by reading the whole table.
create or replace function ${schema}.lock_waits(executions uuid[]) returns void
language sql volatile
as $$
    select from ${schema}.child_wait w
    where w.id = any (array (
        select e.wait_id from ${schema}.execution e where e.id = any (executions) and e.wait_id is not null
        union all select p.id from ${schema}.child_wait p where p.parent_id = any (executions)))
    order by w.id for update
$$;

-- Ends executions that no node holds, as cancelled. One whose node has died after a request keeps the reason of that request.
create or replace function ${schema}.cancel_unclaimed(executions uuid[], reason text) returns ${schema}.ended[]
language plpgsql volatile
as $$
declare
    cancelled ${schema}.ended[];
begin
    perform ${schema}.lock_waits(executions);
    perform ${schema}.lock_keys(executions);
    perform from ${schema}.execution e where e.id = any (executions) and e.claimed_by is null order by e.id for update;
    with deleted as (
        delete from ${schema}.execution e where e.id = any (executions) and e.claimed_by is null returning e.*
    ), done as (
        select d.*, case when d.cancel_requested_at is null then reason else d.cancel_reason end as first_reason,
               t.name is not null and t.keep_failed is null as for_ever,
               greatest(${schema}.now() + case when t.name is null then interval '30 days' else t.keep_failed end,
                   d.awaited_until) as expires_at
        from deleted d left join ${schema}.task t on t.name = d.task
    ), kept as (
        insert into ${schema}.finished_execution
            (id, task, queue, priority, state, attempt, max_attempts, claim_no, payload, headers, error, created_at,
             run_at, claimed_at, finished_at, expires_at, cancel_reason, parent_id, dedupe_key)
        select d.id, d.task, d.queue, d.priority, 'cancelled', d.attempt, d.max_attempts, d.claim_no, d.payload,
               d.headers, d.error, d.created_at, d.run_at, d.claimed_at, ${schema}.now(),
               case when not d.for_ever then d.expires_at end, d.first_reason, d.parent_id, d.dedupe_key
        from done d where d.for_ever or d.expires_at > ${schema}.now()
    )
    select array_agg((d.id, d.task, d.wait_id, d.part, 'cancelled', null, d.error, d.first_reason,
                      d.for_ever or d.expires_at > ${schema}.now(), d.awaited_until is not null,
                      d.dedupe_key)::${schema}.ended)
    into cancelled
    from done d;
    perform ${schema}.tell_finished(cancelled);
    return cancelled;
end
$$;

-- Cancels what the given executions have invoked as children and what has not ended, through all generations. A child that
-- somebody has retried is on its own: it has no wait.
create or replace function ${schema}.cancel_children(parents uuid[], reason text) returns void
language plpgsql volatile
as $$
declare
    generation uuid[] := parents;
    next       uuid[] := '{}';
    cancelled  ${schema}.ended[];
begin
    loop
        -- Asked again and again: one may be claimed or given back between the two statements below
        if not exists (
            select from ${schema}.execution e
            where e.parent_id = any (generation) and e.wait_id is not null
              and (e.claimed_by is null or e.cancel_requested_at is null)) then
            exit when cardinality(next) = 0;
            generation := next;
            next := '{}';
            continue;
        end if;
        cancelled := ${schema}.cancel_unclaimed(
            array (select e.id from ${schema}.execution e
                   where e.parent_id = any (generation) and e.wait_id is not null and e.claimed_by is null
                   limit 1000),
            reason);
        if cancelled is not null then
            perform ${schema}.forget(cancelled);
            next := next || array (select e.id from unnest(cancelled) e);
        end if;
        update ${schema}.execution e set cancel_requested_at = ${schema}.now(), cancel_reason = reason
        where e.parent_id = any (generation) and e.wait_id is not null and e.claimed_by is not null
          and e.cancel_requested_at is null;
        if found then
            perform ${schema}.tell_cancelled();
        end if;
    end loop;
end
$$;

-- Drops what ended executions need no more: all that is not kept, and waits that have nothing to tell, or are for events. The window of
-- a throttle outlives its execution.
create or replace function ${schema}.forget(ended ${schema}.ended[]) returns void
language plpgsql volatile
as $$
begin
    delete from ${schema}.step s
    where s.execution_id = any (array (select e.id from unnest(ended) e where not e.kept));
    delete from ${schema}.child_wait w
    where w.parent_id = any (array (select e.id from unnest(ended) e where not e.kept));
    delete from ${schema}.execution_key k
    where k.ctid = any (array (
        select k.ctid from unnest(ended) e
        join ${schema}.execution_key k on k.task = e.task and k.key = e.dedupe_key and k.execution_id = e.id
        where not e.kept and e.dedupe_key is not null and (k.window_until <= ${schema}.now()) is not false))
      and k.execution_id = any (array (select e.id from unnest(ended) e));
    delete from ${schema}.event_wait w
    where w.execution_id = any (array (select e.id from unnest(ended) e));
    delete from ${schema}.child_wait w
    where w.parent_id = any (array (select e.id from unnest(ended) e where e.kept)) and w.error is null;
end
$$;

-- Tells parents how their children ended: stores results, and wakes those that have all of them, or a failure. Returns the
-- queues on which somebody has something to do now.
create or replace function ${schema}.settle(ended ${schema}.ended[]) returns text[]
language plpgsql volatile
as $$
declare
    failed uuid[];
    queues text[];
begin
    insert into ${schema}.step (execution_id, name, part, kind, result, finished_at)
    select w.parent_id, w.step, e.part, w.kind, e.result, ${schema}.now()
    from unnest(ended) e join ${schema}.child_wait w on w.id = e.wait_id
    where e.state = 'completed' and w.error is null
    on conflict do nothing;

    with outcome as (
        select e.wait_id, count(*) as children, coalesce(sum(octet_length(e.result::text)), 0) as size,
               (array_agg(json_build_object('child', e.id, 'task', e.task, 'state', e.state, 'error', e.error,
                    'reason', e.cancel_reason) order by e.part) filter (where e.state <> 'completed'))[1] as error
        from unnest(ended) e
        where e.wait_id is not null
        group by e.wait_id
    ), settled as (
        update ${schema}.child_wait w
        set pending = w.pending - o.children, result_size = w.result_size + o.size,
            error = case when o.error is not null then o.error
                         when w.result_size + o.size > w.max_size
                             then json_build_object('size', w.result_size + o.size, 'maxSize', w.max_size) end
        from outcome o
        where w.id = o.wait_id and w.error is null
        returning w.parent_id, w.pending, w.error
    ), woken as (
        update ${schema}.execution p set phase = 'due', run_at = ${schema}.now()
        from settled s
        where p.id = s.parent_id and (s.pending = 0 or s.error is not null)
          and p.claimed_by is null and p.waiting_for = 'children' and p.phase in ('parked', 'future')
        returning p.queue
    )
    select array (select s.parent_id from settled s where s.error is not null),
           array (select q.queue from (select distinct queue from woken) q
                  where ${schema}.wake('queue:' || q.queue) is not null)
    into failed, queues;
    perform ${schema}.cancel_children(failed, 'another child of the same call has failed');
    return queues;
end
$$;

-- Ends an execution that no node holds, as cancelled, and the children it waits for. Returns whether it had not been cancelled
-- before; nothing if a node holds it, or nobody knows it.
create or replace function ${schema}.cancel_idle(execution uuid, reason text) returns boolean
language plpgsql volatile
as $$
declare
    requested boolean;
    cancelled ${schema}.ended[];
begin
    perform ${schema}.lock_waits(array[cancel_idle.execution]);
    perform ${schema}.lock_keys(array[cancel_idle.execution]);
    select e.cancel_requested_at is not null into requested
    from ${schema}.execution e where e.id = cancel_idle.execution and e.claimed_by is null for update;
    if found then
        cancelled := ${schema}.cancel_unclaimed(array[cancel_idle.execution], cancel_idle.reason);
        perform ${schema}.forget(cancelled);
        perform ${schema}.settle(cancelled);
        perform ${schema}.cancel_children(array[cancel_idle.execution], 'its parent was cancelled');
    end if;
    return not requested;
end
$$;

-- Ends executions that a node holds, each under the number of its claim. One whose cancellation was requested ends cancelled;
-- one without a state ends only then. kept is in seconds, null for ever. forgotten is the step whose failure ended it, failure_task
-- is what to invoke if it failed. Returns what has ended, and the queues on which somebody has something to do now.
create or replace function ${schema}.finish(
    node uuid, ids uuid[], claim_nos int[], states text[], results text[], errors text[], kept float8[], forgotten text[],
    failure_tasks text[], out finished uuid[], out queues text[])
language plpgsql volatile
as $$
#variable_conflict use_column
declare
    ended  ${schema}.ended[];
    others text[];
begin
    perform ${schema}.lock_waits(ids);
    with deleted as (
        delete from ${schema}.execution e
        using unnest(finish.ids, finish.claim_nos, finish.states, finish.results, finish.errors, finish.kept,
                finish.forgotten, finish.failure_tasks)
            as o (ended_id, ended_claim_no, ended_as, result, failure, kept, forgotten, failure_task)
        where e.id = o.ended_id and e.claimed_by = finish.node and e.claim_no = o.ended_claim_no
          and (o.ended_as is not null or e.cancel_requested_at is not null)
        returning e.*, o.*
    ), done as (
        select d.*, case when d.cancel_requested_at is null then d.ended_as else 'cancelled' end as state,
               coalesce(d.failure::json, d.error) as last_error,
               case when d.cancel_requested_at is null then d.kept is null
                    else t.name is not null and t.keep_failed is null end as for_ever,
               greatest(${schema}.now() + case when d.cancel_requested_at is null then d.kept * interval '1 second'
                                               when t.name is null then interval '30 days'
                                               else t.keep_failed end, d.awaited_until) as expires_at
        from deleted d left join ${schema}.task t on t.name = d.task and d.cancel_requested_at is not null
    ), archived as (
        insert into ${schema}.finished_execution
            (id, task, queue, priority, state, attempt, max_attempts, claim_no, payload, headers, result, error, created_at,
             run_at, claimed_at, finished_at, expires_at, cancel_reason, parent_id, dedupe_key)
        select d.id, d.task, d.queue, d.priority, d.state, least(d.attempt, d.max_attempts), d.max_attempts, d.claim_no,
               d.payload, d.headers, case when d.state = 'completed' then d.result::json end, d.last_error, d.created_at,
               d.run_at, d.claimed_at, ${schema}.now(), case when not d.for_ever then d.expires_at end,
               case when d.state = 'cancelled' then d.cancel_reason end, d.parent_id, d.dedupe_key
        from done d where d.for_ever or d.expires_at > ${schema}.now()
    ), failure as (
        insert into ${schema}.execution (id, task, queue, priority, max_attempts, payload, created_at, run_at, phase, gate)
        select ${schema}.uuid_v7(), d.failure_task, t.queue, t.priority, t.max_attempts, p.payload,
               ${schema}.now(), ${schema}.now(), case when t.held is false then 'due' else 'held' end,
               case when t.gate is not null then ${schema}.gate_of(t, p.payload) end
        from done d left join ${schema}.task t on t.name = d.failure_task
        cross join lateral (
            select json_build_object('execution', d.id, 'task', d.task, 'payload', d.payload, 'error', d.last_error,
                'rowChange', d.headers::text ~ '"conductor[.]row-operation"\s*:') as payload) p
        where d.state = 'failed' and d.failure_task is not null
        returning queue, phase
    ), mended as (
        delete from ${schema}.child_wait w using done d where w.parent_id = d.id and w.step = d.forgotten
        returning w.parent_id, w.step, w.result_size > w.max_size as too_much
    ), dropped as (
        -- What was too much must not come together by another way. The error would not tell: to look into JSON fails
        -- where a message has a NUL character.
        delete from ${schema}.step s using mended m
        where s.execution_id = m.parent_id and s.name = m.step and m.too_much
    )
    select array_agg((d.id, d.task, d.wait_id, d.part, d.state, d.result::json, d.last_error, d.cancel_reason,
                      d.for_ever or d.expires_at > ${schema}.now(), d.awaited_until is not null,
                      d.dedupe_key)::${schema}.ended),
           array (select f.queue from (select distinct queue from failure where phase = 'due') f
                  where ${schema}.wake('queue:' || f.queue) is not null),
           array_agg(d.id)
    into ended, queues, finished
    from done d;
    if ended is not null then
        perform ${schema}.tell_finished(ended);
        perform ${schema}.forget(ended);
        others := ${schema}.settle(ended);
        queues := queues || others;
        perform ${schema}.cancel_children(finished, 'its parent has ended');
    end if;
end
$$;

-- Gives up waiting for children whose time is over, unless they have all ended meanwhile, and cancels them. Returns what the
-- wait ended with; nothing if all is well.
create or replace function ${schema}.time_out_children(node uuid, execution uuid, claim_no int, wait uuid) returns json
language plpgsql volatile
as $$
#variable_conflict use_variable
declare
    waiting ${schema}.child_wait;
begin
    -- A handler's thread waits, in a session that may be anybody's
    perform pg_catalog.set_config('lock_timeout', '100ms', true);
    perform from ${schema}.execution e
    where e.id = execution and e.claimed_by = node and e.claim_no = time_out_children.claim_no;
    if not found then
        return null;
    end if;
    select * into waiting from ${schema}.child_wait w where w.id = wait for update;
    if waiting.pending > 0 and waiting.error is null then
        waiting.error := json_build_object('timeout', true);
        update ${schema}.child_wait w set error = waiting.error where w.id = wait;
        perform ${schema}.cancel_children(array[execution], 'it did not end in the time that its parent waits for it');
    end if;
    return waiting.error;
end
$$;
