-- The handshake between those who make work claimable and those who wait for it. A waiting worker holds the lock of this
-- key exclusively, on its session. If the shared lock can be had, then nobody waits: there is no need to notify, and until the transaction
-- commits nobody can begin to wait past its work. If not, somebody waits: notify. NOTIFY takes a database-wide lock at commit,
-- so a busy system must not do it.
create or replace function ${schema}.wake_key(target text) returns bigint
language sql immutable parallel safe
as $$ select pg_catalog.hashtextextended('${schema}:' || target, 0) $$;

-- target: 'queue:' and a queue's name, or 'promoter'. With "set conductor.notify = off" a session does without (NOTIFY forbids
-- PREPARE TRANSACTION); its work is found by polling.
create or replace function ${schema}.wake(target text) returns boolean
language plpgsql volatile
as $$
begin
    if pg_catalog.current_setting('conductor.notify', true) = 'off'
        or pg_catalog.pg_try_advisory_xact_lock_shared(${schema}.wake_key(target)) then
        return false;
    end if;
    perform pg_catalog.pg_notify('${schema}:wake', target);
    return true;
end
$$;
