package io.pgconductor.execution;

import java.util.UUID;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

import io.pgconductor.ConductorClient;
import io.pgconductor.jdbc.ExecutionOutcomes;
import io.pgconductor.jdbc.RunningExecutionTable;
import io.pgconductor.jdbc.StepTable;
import io.pgconductor.jdbc.SubscriptionTable;
import io.pgconductor.task.JsonMapping;

/**
 * What attempts need of their node.
 *
 * @param json reads and writes what is durable
 * @param steps on the engine's connections
 * @param running on the engine's connections
 * @param filters on the engine's connections
 * @param joinedSteps on the application's connections, in their transactions
 * @param joinedOutcomes on the application's connections, in their transactions
 * @param transactions of the application
 * @param client for the calls of handlers
 * @param ids makes ids of children and waits
 * @param maxFanInSize how long the results of one call's children may be together, in
 * bytes
 * @param stopping whether the node stops
 */
public record AttemptServices(JsonMapping json, StepTable steps, RunningExecutionTable running,
		SubscriptionTable filters, StepTable joinedSteps, ExecutionOutcomes joinedOutcomes,
		ApplicationTransactions transactions, ConductorClient client, Supplier<UUID> ids, long maxFanInSize,
		BooleanSupplier stopping) {
}
