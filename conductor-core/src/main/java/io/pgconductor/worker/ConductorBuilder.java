package io.pgconductor.worker;

import javax.sql.DataSource;

import io.pgconductor.Conductor;
import io.pgconductor.SchemaName;
import io.pgconductor.client.ForeignTransaction;
import io.pgconductor.task.JsonMapping;
import org.jspecify.annotations.Nullable;
import org.springframework.transaction.PlatformTransactionManager;
import tools.jackson.databind.json.JsonMapper;

/**
 * Builds a {@link Conductor}.
 */
public final class ConductorBuilder {

	/**
	 * The largest payload or result, in bytes of JSON, unless configured.
	 */
	public static final long DEFAULT_MAX_PAYLOAD_SIZE = 1024 * 1024;

	/**
	 * The largest sum of the results of one {@code invokeAll}, in bytes of JSON, unless
	 * configured.
	 */
	public static final long DEFAULT_MAX_FAN_IN_SIZE = 16 * 1024 * 1024;

	private final DataSource dataSource;

	private DataSource engineDataSource;

	private @Nullable PlatformTransactionManager transactionManager;

	private String schema = "conductor";

	private @Nullable String application;

	private boolean migrate = true;

	private long maxPayloadSize = DEFAULT_MAX_PAYLOAD_SIZE;

	private long maxFanInSize = DEFAULT_MAX_FAN_IN_SIZE;

	private @Nullable JsonMapper jsonMapper;

	private ForeignTransaction foreignTransaction = ForeignTransaction.FAIL;

	private ConductorMetrics metrics = ConductorMetrics.NONE;

	/**
	 * Start with the application's data source.
	 * @param dataSource client calls use its connections and join its transactions
	 */
	public ConductorBuilder(DataSource dataSource) {
		this.dataSource = dataSource;
		this.engineDataSource = dataSource;
	}

	/**
	 * Let the engine use connections of its own, so that handlers that hold all of the
	 * application's connections cannot hold up the engine. One connection is taken for
	 * good. The default is the application's data source.
	 * @param engineDataSource a pool on the same database
	 * @return this
	 */
	public ConductorBuilder engineDataSource(DataSource engineDataSource) {
		this.engineDataSource = engineDataSource;
		return this;
	}

	/**
	 * Name the transaction manager of the application's data source, so that calls made
	 * after a commit are told from those made before it.
	 * @param transactionManager the transaction manager
	 * @return this
	 */
	public ConductorBuilder transactionManager(@Nullable PlatformTransactionManager transactionManager) {
		this.transactionManager = transactionManager;
		return this;
	}

	/**
	 * Use another schema than {@code conductor}.
	 * @param schema a name in lower case
	 * @return this
	 */
	public ConductorBuilder schema(String schema) {
		this.schema = schema;
		return this;
	}

	/**
	 * Name the application that owns what its nodes define. The default is none: nothing
	 * is ever dropped.
	 * @param application the name
	 * @return this
	 */
	public ConductorBuilder application(@Nullable String application) {
		this.application = application;
		return this;
	}

	/**
	 * Say whether the schema is installed and upgraded, or only verified.
	 * @param migrate {@code true} by default
	 * @return this
	 */
	public ConductorBuilder migrate(boolean migrate) {
		this.migrate = migrate;
		return this;
	}

	/**
	 * Bound payloads and results.
	 * @param maxPayloadSize in bytes of JSON; 1 MB by default
	 * @return this
	 */
	public ConductorBuilder maxPayloadSize(long maxPayloadSize) {
		this.maxPayloadSize = maxPayloadSize;
		return this;
	}

	/**
	 * Bound the payloads, and the results, of one {@code invokeAll} together.
	 * @param maxFanInSize in bytes of JSON; 16 MB by default
	 * @return this
	 */
	public ConductorBuilder maxFanInSize(long maxFanInSize) {
		this.maxFanInSize = maxFanInSize;
		return this;
	}

	/**
	 * Use a JSON mapper of one's own.
	 * @param jsonMapper best built on
	 * {@link io.pgconductor.task.JsonMapping#mapperBuilder()}
	 * @return this
	 */
	public ConductorBuilder jsonMapper(JsonMapper jsonMapper) {
		this.jsonMapper = jsonMapper;
		return this;
	}

	/**
	 * Say what a client call does inside a transaction of another data source.
	 * @param foreignTransaction {@link ForeignTransaction#FAIL} by default
	 * @return this
	 */
	public ConductorBuilder foreignTransaction(ForeignTransaction foreignTransaction) {
		this.foreignTransaction = foreignTransaction;
		return this;
	}

	/**
	 * Count what happens.
	 * @param metrics {@link ConductorMetrics#NONE} by default
	 * @return this
	 */
	public ConductorBuilder metrics(ConductorMetrics metrics) {
		this.metrics = metrics;
		return this;
	}

	/**
	 * Build the conductor. Nothing is done to the database yet.
	 * @return the conductor
	 * @throws IllegalArgumentException if the schema's name is not an identifier
	 */
	public Conductor build() {
		JsonMapper mapper = (this.jsonMapper != null) ? this.jsonMapper : JsonMapping.mapperBuilder().build();
		DefaultConductor.Environment environment = new DefaultConductor.Environment(this.engineDataSource,
				this.engineDataSource != this.dataSource, new SchemaName(this.schema), this.application,
				new JsonMapping(mapper, this.maxPayloadSize), this.maxFanInSize, this.metrics);
		return new DefaultConductor(this.dataSource, this.transactionManager, this.foreignTransaction, this.migrate,
				environment);
	}

}
