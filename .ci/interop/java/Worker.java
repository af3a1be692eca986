import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.Field;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.awscore.client.builder.AwsAsyncClientBuilder;
import software.amazon.awssdk.awscore.client.builder.AwsClientBuilder;
import software.amazon.awssdk.http.Protocol;
import software.amazon.awssdk.http.nio.netty.NettyNioAsyncHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.cloudwatch.CloudWatchAsyncClient;
import software.amazon.awssdk.services.dynamodb.DynamoDbAsyncClient;
import software.amazon.awssdk.services.kinesis.KinesisAsyncClient;
import software.amazon.kinesis.common.ConfigsBuilder;
import software.amazon.kinesis.common.InitialPositionInStream;
import software.amazon.kinesis.common.InitialPositionInStreamExtended;
import software.amazon.kinesis.common.LeaseCleanupConfig;
import software.amazon.kinesis.common.StreamIdentifier;
import software.amazon.kinesis.coordinator.Scheduler;
import software.amazon.kinesis.exceptions.InvalidStateException;
import software.amazon.kinesis.exceptions.ShutdownException;
import software.amazon.kinesis.lifecycle.ShardConsumer;
import software.amazon.kinesis.lifecycle.events.InitializationInput;
import software.amazon.kinesis.lifecycle.events.LeaseLostInput;
import software.amazon.kinesis.lifecycle.events.ProcessRecordsInput;
import software.amazon.kinesis.lifecycle.events.ShardEndedInput;
import software.amazon.kinesis.lifecycle.events.ShutdownRequestedInput;
import software.amazon.kinesis.metrics.NullMetricsFactory;
import software.amazon.kinesis.processor.RecordProcessorCheckpointer;
import software.amazon.kinesis.processor.ShardRecordProcessor;
import software.amazon.kinesis.processor.SingleStreamTracker;
import software.amazon.kinesis.retrieval.KinesisClientRecord;
import software.amazon.kinesis.retrieval.polling.PollingConfig;

/**
 * One worker of the Kinesis Client Library, driven by a test: arguments NAME=VALUE, one line of standard output an event,
 * KCL's own log on standard error. The line "stop" on standard input ends it gracefully, the input's end at once, so that
 * no worker outlives its test.
 *
 * <p>It is compiled against KCL 2.x and 3.x alike; what only 3.x has is set by reflection.
 */
public final class Worker {
    private static final PrintStream OUT = System.out;

    public static void main(String[] args) throws Exception {
        Map<String, String> given = new HashMap<>();
        for (String arg : args) {
            String[] parts = arg.split("=", 2);
            given.put(parts[0], parts[1]);
        }
        System.setOut(System.err); // events must stand alone
        Scheduler scheduler = scheduler(given);
        Thread running = new Thread(scheduler, "scheduler");
        running.start();
        say("running", ProcessHandle.current().pid());
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        if (!"stop".equals(commands.readLine())) {
            Runtime.getRuntime().halt(1);
        }
        // KCL 2.x's graceful shutdown waits for ever for a finished lease that it still holds.
        for (int i = 0; i < 50 && scheduler.shardInfoShardConsumerMap().values().stream().anyMatch(ShardConsumer::isShutdown); i++) {
            Thread.sleep(100);
        }
        boolean graceful = scheduler.startGracefulShutdown().get(60, TimeUnit.SECONDS);
        running.join(TimeUnit.SECONDS.toMillis(10));
        say("stopped", graceful);
        Runtime.getRuntime().halt(0);
    }

    private static Scheduler scheduler(Map<String, String> given) throws Exception {
        KinesisAsyncClient kinesis = client(KinesisAsyncClient.builder(), given.get("kinesis"));
        DynamoDbAsyncClient dynamo = client(DynamoDbAsyncClient.builder(), given.get("dynamodb"));
        // Metrics are off; nothing listens there.
        CloudWatchAsyncClient cloudWatch = client(CloudWatchAsyncClient.builder(), "http://127.0.0.1:9");
        long failover = Long.parseLong(given.get("failover"));
        int limit = Integer.parseInt(given.getOrDefault("limit", "0"));
        AtomicInteger left = new AtomicInteger(limit == 0 ? Integer.MAX_VALUE : limit);

        ConfigsBuilder configs = new ConfigsBuilder(
                new SingleStreamTracker(
                        StreamIdentifier.singleStreamInstance(given.get("stream")),
                        InitialPositionInStreamExtended.newInitialPosition(InitialPositionInStream.TRIM_HORIZON)),
                given.get("application"),
                kinesis,
                dynamo,
                cloudWatch,
                given.get("worker"),
                () -> new Printer(left));
        var coordinator = configs.coordinatorConfig();
        coordinator.parentShardPollIntervalMillis(500);
        coordinator.shardConsumerDispatchPollIntervalMillis(200);
        var leases = configs.leaseManagementConfig();
        leases.failoverTimeMillis(failover);
        leases.shardSyncIntervalMillis(2_000);
        leases.leasesRecoveryAuditorExecutionFrequencyMillis(2_000);
        leases.initialPositionInStream(
                InitialPositionInStreamExtended.newInitialPosition(InitialPositionInStream.TRIM_HORIZON));
        // A finished lease is held for five minutes, see below.
        for (String interval : new String[] {"leaseCleanupIntervalMillis", "completedLeaseCleanupIntervalMillis"}) {
            Field f = LeaseCleanupConfig.class.getDeclaredField(interval);
            f.setAccessible(true);
            f.setLong(leases.leaseCleanupConfig(), 500);
        }
        if (given.containsKey("client")) {
            set(coordinator, "clientVersionConfig", "CLIENT_VERSION_CONFIG_" + given.get("client"));
        }
        if (given.containsKey("balance")) {
            set(leases, "leaseAssignmentStrategy", given.get("balance"));
        }
        if (has(leases, "workerUtilizationAwareAssignmentConfig")) {
            // This machine's load is no part of the test, and 30 s between reports are half a minute before a worker counts.
            Object sharing = leases.getClass().getMethod("workerUtilizationAwareAssignmentConfig").invoke(leases);
            sharing.getClass().getMethod("disableWorkerMetrics", boolean.class).invoke(sharing, true);
            sharing.getClass().getMethod("workerMetricsReporterFreqInMillis", long.class).invoke(sharing, 1_000L);
            sharing.getClass().getMethod("varianceBalancingFrequency", int.class).invoke(sharing, 1);
        }
        var retrieval = configs.retrievalConfig();
        var polling = new PollingConfig(given.get("stream"), kinesis);
        polling.idleTimeBetweenReadsInMillis(250);
        retrieval.retrievalSpecificConfig(polling);
        var metrics = configs.metricsConfig();
        metrics.metricsFactory(new NullMetricsFactory());
        var lifecycle = configs.lifecycleConfig();
        lifecycle.taskBackoffTimeMillis(200);
        var processor = configs.processorConfig();
        return new Scheduler(configs.checkpointConfig(), coordinator, leases, lifecycle, metrics, processor, retrieval);
    }

    private static <B extends AwsClientBuilder<B, C> & AwsAsyncClientBuilder<B, C>, C> C client(B builder, String endpoint) {
        return builder.endpointOverride(URI.create(endpoint))
                .region(Region.US_EAST_1)
                .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("AKIDINTEROP", "secret")))
                // Kinesis' default is HTTP/2, which no stand-in speaks without TLS.
                .httpClientBuilder(NettyNioAsyncHttpClient.builder()
                        .protocol(Protocol.HTTP1_1)
                        .maxConcurrency(100)
                        .connectionTimeout(Duration.ofSeconds(5)))
                .build();
    }

    private static boolean has(Object config, String name) {
        for (var m : config.getClass().getMethods()) {
            if (m.getName().equals(name)) {
                return true;
            }
        }
        return false;
    }

    private static void set(Object config, String name, String value) throws Exception {
        for (var m : config.getClass().getMethods()) {
            if (m.getName().equals(name) && m.getParameterCount() == 1 && m.getParameterTypes()[0].isEnum()) {
                for (Object c : m.getParameterTypes()[0].getEnumConstants()) {
                    if (((Enum<?>) c).name().equals(value)) {
                        m.invoke(config, c);
                        return;
                    }
                }
            }
        }
        throw new IllegalArgumentException("this KCL has no " + name + " " + value);
    }

    private static void say(Object... words) {
        StringBuilder line = new StringBuilder();
        for (Object w : words) {
            line.append(line.length() == 0 ? "" : " ").append(w);
        }
        synchronized (OUT) {
            OUT.println(line);
            OUT.flush();
        }
    }

    /** Prints each record and checkpoints after each answer, or exactly behind its last record where a limit is given. */
    private static final class Printer implements ShardRecordProcessor {
        private final AtomicInteger left;
        private String shard;
        private boolean over;

        Printer(AtomicInteger left) {
            this.left = left;
        }

        @Override
        public void initialize(InitializationInput input) {
            shard = input.shardId();
            say("began", shard, input.extendedSequenceNumber().sequenceNumber(), input.extendedSequenceNumber().subSequenceNumber());
        }

        @Override
        public void processRecords(ProcessRecordsInput input) {
            KinesisClientRecord last = null;
            for (KinesisClientRecord r : input.records()) {
                if (over || left.getAndDecrement() <= 0) {
                    over = true; // what follows belongs to the next worker
                    break;
                }
                ByteBuffer data = r.data().duplicate();
                byte[] bytes = new byte[data.remaining()];
                data.get(bytes);
                say("record", shard, r.sequenceNumber(), r.subSequenceNumber(), new String(bytes, StandardCharsets.UTF_8));
                last = r;
            }
            if (last != null) {
                try {
                    input.checkpointer().checkpoint(last.sequenceNumber(), last.subSequenceNumber());
                    say("checkpoint", shard, last.sequenceNumber(), last.subSequenceNumber());
                } catch (ShutdownException e) {
                    say("refused", shard, last.sequenceNumber(), last.subSequenceNumber()); // another worker has the lease
                } catch (InvalidStateException e) {
                    throw new IllegalStateException(e);
                }
            }
        }

        @Override
        public void leaseLost(LeaseLostInput input) {
            say("lost", shard);
        }

        @Override
        public void shardEnded(ShardEndedInput input) {
            say("ended", shard);
            checkpoint(input.checkpointer());
        }

        @Override
        public void shutdownRequested(ShutdownRequestedInput input) {
            say("asked", shard);
            if (!over) {
                checkpoint(input.checkpointer());
            }
        }

        private void checkpoint(RecordProcessorCheckpointer checkpointer) {
            try {
                checkpointer.checkpoint();
            } catch (ShutdownException e) {
                say("refused", shard, "-", 0);
            } catch (InvalidStateException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    private Worker() {}
}
