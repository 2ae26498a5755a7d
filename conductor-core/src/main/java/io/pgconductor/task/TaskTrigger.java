package io.pgconductor.task;

/**
 * What makes a task run, besides invocations.
 */
public sealed interface TaskTrigger permits CronTrigger, EventTrigger, RowChangeTrigger {

}
