-- Pauses and resumes tasks and queues, in the caller's transaction, over all nodes and restarts. No claim that begins after the commit
-- of a pause takes anything of it; what runs goes on. They return whether they have changed anything. The same as
-- ConductorClient.pauseTask and so on:
--   select ${schema}.pause_task('send-email');
create or replace function ${schema}.pause_task(task text) returns boolean
language plpgsql volatile
as $$
begin
    -- Held: what comes is enqueued out of the way of other tasks, and what waits is put there by the nodes
    update ${schema}.task t set paused = true, held = true where t.name = pause_task.task and not t.paused;
    if found then
        perform ${schema}.tell_housekeepers();
        return true;
    end if;
    perform ${schema}.verify_registered(pause_task.task);
    return false;
end
$$;

create or replace function ${schema}.resume_task(task text) returns boolean
language plpgsql volatile
as $$
begin
    update ${schema}.task t set paused = false, held = false where t.name = resume_task.task and t.paused;
    if found then
        perform ${schema}.tell_housekeepers();
        return true;
    end if;
    perform ${schema}.verify_registered(resume_task.task);
    return false;
end
$$;

create or replace function ${schema}.verify_registered(task text) returns void
language plpgsql stable
as $$
begin
    if not exists (select from ${schema}.task t where t.name = verify_registered.task) then
        raise exception 'task % cannot be paused or resumed: no worker has ever registered it',
            pg_catalog.quote_nullable(task) using errcode = 'invalid_parameter_value';
    end if;
end
$$;

create or replace function ${schema}.pause_queue(queue text) returns boolean
language plpgsql volatile
as $$
begin
    perform ${schema}.verify_queue(pause_queue.queue);
    insert into ${schema}.queue as q (name, paused) values (pause_queue.queue, true)
    on conflict (name) do update set paused = true where not q.paused;
    return found;
end
$$;

create or replace function ${schema}.resume_queue(queue text) returns boolean
language plpgsql volatile
as $$
begin
    perform ${schema}.verify_queue(resume_queue.queue);
    update ${schema}.queue q set paused = false where q.name = resume_queue.queue and q.paused;
    if found then
        perform ${schema}.wake('queue:' || resume_queue.queue);
        return true;
    end if;
    return false;
end
$$;

create or replace function ${schema}.verify_queue(queue text) returns void
language plpgsql immutable
as $$
begin
    if queue is null or queue !~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$' then
        raise exception 'queue must be 1 to 63 letters, digits, dots, dashes and underscores, was %',
            pg_catalog.quote_nullable(queue) using errcode = 'invalid_parameter_value';
    end if;
end
$$;

-- The engine's own: has nodes look at once at what is held.
create or replace function ${schema}.tell_housekeepers() returns void
language plpgsql volatile
as $$
begin
    if pg_catalog.current_setting('conductor.notify', true) is distinct from 'off' then
        perform pg_catalog.pg_notify('${schema}:wake', 'housekeeping');
    end if;
end
$$;

-- What is paused.
create or replace view ${schema}.paused as
select 'task' as kind, name from ${schema}.task where paused
union all
select 'queue', name from ${schema}.queue where paused;
