package io.pannier.query;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.pannier.model.Clock;
import io.pannier.model.PannierException;
import io.pannier.model.Refusal;
import io.pannier.query.ext.Extension;
import io.pannier.query.ext.Opening;
import io.pannier.query.ext.Screen;
import io.pannier.store.Bucket;
import io.pannier.store.Entry;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.TreeMap;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.LongUnaryOperator;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The extensions that queries may name, and the threads they work on. Those that come with the
 * program are looked for when a query first names one; jars of a folder are read at once, so that
 * an operator hears at the start what is wrong with them.
 */
public final class Extensions implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Extensions.class);

  /** Threads that may be left to themselves before no query with extensions is begun any more. */
  private static final int LOST_MAX = 16;

  /** Threads that one query keeps busy at most. */
  private static final int LANES_MAX = 4;

  private final ExtensionOptions options;
  private final Clock clock;
  private final Timers timers;
  private final Executor threads;
  private final LongUnaryOperator cpuNanosOf;
  private final Map<String, Extension> known = new TreeMap<>();
  private final List<URLClassLoader> loaders = new ArrayList<>();
  private boolean builtInAreKnown;
  private int lost;

  /**
   * @param threads where steps work
   * @param cpuNanosOf CPU time of a thread by its id
   * @param external extensions that go before those of the program
   */
  Extensions(
      ExtensionOptions options,
      Clock clock,
      Timers timers,
      Executor threads,
      LongUnaryOperator cpuNanosOf,
      List<Extension> external) {
    this.options = options;
    this.clock = clock;
    this.timers = timers;
    this.threads = threads;
    this.cpuNanosOf = cpuNanosOf;
    external.forEach(extension -> add(extension, "given"));
  }

  /**
   * The extensions of the program, and those of the folder.
   *
   * @throws PannierException.Invalid when the folder does not exist
   */
  public static Extensions open(ExtensionOptions options, Clock clock, Timers timers) {
    var pool =
        new ThreadPoolExecutor(
            options.threads(),
            options.threads(),
            10,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            Thread.ofPlatform().name("ext-", 0).daemon().factory());
    pool.allowCoreThreadTimeOut(true);
    var extensions =
        new Extensions(options, clock, timers, pool, Extensions::cpuNanosOfThread, List.of());
    options.folder().ifPresent(extensions::load);
    return extensions;
  }

  private static long cpuNanosOfThread(long id) {
    return Math.max(0, ManagementFactory.getThreadMXBean().getThreadCpuTime(id));
  }

  // ---------------------------------------------------------------- finding

  private void load(Path folder) {
    if (!Files.isDirectory(folder)) {
      throw new PannierException.Invalid(
          "Extension directory \"" + folder + "\" does not exist (RS_EXT_PATH)");
    }
    try (var files = Files.list(folder)) {
      for (Path file : files.sorted().toList()) {
        if (file.getFileName().toString().endsWith(".jar") && Files.isRegularFile(file)) {
          loadJar(file);
        } else {
          LOG.info("{} is no jar: it is ignored", file);
        }
      }
    } catch (IOException e) {
      throw new PannierException.Internal("Extension directory cannot be read: " + folder, e);
    }
  }

  private synchronized void loadJar(Path jar) {
    try {
      var loader =
          new URLClassLoader(
              jar.getFileName().toString(),
              new URL[] {jar.toUri().toURL()},
              Extensions.class.getClassLoader());
      loaders.add(loader);
      int before = known.size();
      // Services of the program are seen through the loader too.
      ServiceLoader.load(Extension.class, loader).stream()
          .filter(provider -> loader.equals(provider.type().getClassLoader()))
          .forEach(provider -> add(provider.get(), jar.toString()));
      if (known.size() == before) {
        LOG.warn("{} offers no extension: it is ignored", jar);
      }
    } catch (IOException | ServiceConfigurationError | LinkageError | RuntimeException e) {
      LOG.error("{} cannot be loaded: it is ignored", jar, e);
    }
  }

  private void add(Extension extension, String from) {
    String name = extension.name();
    if (name.isEmpty() || name.equals(PipelineRequest.WHEN)) {
      LOG.error("an extension cannot be called '{}' ({}): it is ignored", name, from);
    } else if (known.putIfAbsent(name, extension) != null) {
      LOG.warn("there is an extension '{}' already: that of {} is ignored", name, from);
    } else {
      LOG.debug("extension {} {} ({})", name, extension.version(), from);
    }
  }

  private synchronized @Nullable Extension find(String name) {
    if (!builtInAreKnown) {
      builtInAreKnown = true;
      var found = ServiceLoader.load(Extension.class, Extensions.class.getClassLoader()).iterator();
      for (; ; ) {
        try {
          if (!found.hasNext()) {
            break;
          }
          Extension extension = found.next();
          if (!known.containsKey(extension.name())) {
            add(extension, "program");
          }
        } catch (ServiceConfigurationError e) {
          LOG.error("an extension of the program cannot be loaded", e);
        }
      }
    }
    return known.get(name);
  }

  // ---------------------------------------------------------------- queries

  /**
   * What a query asks of extensions, ready to work.
   *
   * @param entry of a query on one
   * @param body the request; null where it has none
   * @return null when it asks for none
   */
  @Nullable Extraction extractionOf(
      Query query, Bucket bucket, @Nullable Entry entry, @Nullable ObjectNode body) {
    QueryOptions asked = query.options();
    Optional<PipelineRequest> request = PipelineRequest.of(asked, body, query.id());
    if (request.isEmpty()) {
      return null;
    }
    synchronized (this) {
      if (lost >= LOST_MAX) {
        throw new PannierException.Unavailable(
            Refusal.BUSY, "Extensions hold all threads and do not give them back", 60);
      }
    }
    var extraction = new Extraction(query, this, new QueryWork(clock, cpuNanosOf, options));
    List<String> names = asked.entries().orElse(List.of());
    var patterns = new EntryPatterns(names);
    var attachments =
        new Attachments(bucket, entry == null ? patterns::matches : entry.name()::equals);
    String first = entry != null ? entry.name() : names.isEmpty() ? "" : names.getFirst();
    boolean opened = false;
    try {
      open(extraction.firstLane(), request.get(), bucket, first, attachments, body);
      if (!asked.continuous() && extraction.firstLane().pipeline().isIndependent()) {
        for (int lanes = 1; lanes < Math.min(options.threads(), LANES_MAX); lanes++) {
          open(extraction.addLane(), request.get(), bucket, first, attachments, body);
        }
      }
      opened = true;
      return extraction;
    } finally {
      if (!opened) {
        extraction.abort();
      }
    }
  }

  /** The attachments of the chosen entries, read when the first step has a use for them. */
  private static final class Attachments {
    private final Bucket bucket;
    private final Predicate<String> isChosen;
    private @Nullable ObjectNode read;

    Attachments(Bucket bucket, Predicate<String> isChosen) {
      this.bucket = bucket;
      this.isChosen = isChosen;
    }

    ObjectNode get(QueryWork work) {
      ObjectNode all = read;
      if (all == null) {
        all = MetaAttachments.read(bucket, isChosen, work);
        read = all;
      }
      return all;
    }
  }

  /** Opens the steps of a lane. */
  private void open(
      Lane lane,
      PipelineRequest request,
      Bucket bucket,
      String entry,
      Attachments attachments,
      @Nullable ObjectNode body) {
    for (int i = 0; i < request.steps().size(); i++) {
      Optional<StepFilter> filter = request.filter(i);
      Map.Entry<String, JsonNode> named = request.extension(i);
      JsonNode parameters = named.getValue();
      if (parameters instanceof ObjectNode object && !object.has("attachments")) {
        ObjectNode read = attachments.get(lane.work());
        parameters = read.isEmpty() ? object : object.deepCopy().set("attachments", read);
      }
      Extension extension = find(named.getKey());
      if (extension == null) {
        throw request.unknown(i, named.getKey());
      }
      ObjectNode whole = body == null ? JsonNodeFactory.instance.objectNode() : body.deepCopy();
      whole.set("ext", JsonNodeFactory.instance.objectNode().set(named.getKey(), parameters));
      var opening =
          new Opening(
              bucket.name(),
              entry,
              parameters,
              whole,
              filter.map(StepFilter::screen).orElse(Screen.OPEN),
              lane.work(),
              LoggerFactory.getLogger(LOG.getName() + "." + named.getKey()));
      try {
        lane.pipeline().add(extension.open(opening), filter.orElse(null));
      } catch (PannierException refused) {
        throw refused;
      } catch (RuntimeException | LinkageError | StackOverflowError e) {
        LOG.error("extension {} failed to open", named.getKey(), e);
        throw new PannierException.Internal(
            "Extension '" + named.getKey() + "' failed" + request.in() + ": " + e, e);
      }
    }
  }

  // ---------------------------------------------------------------- threads

  Executor threads() {
    return threads;
  }

  Timers timers() {
    return timers;
  }

  ExtensionOptions options() {
    return options;
  }

  /** When to look first whether a turn takes too long. */
  long firstLookNanos() {
    return options.cpuNanosPerRecord();
  }

  /** A thread is held by a step that does not stop: there will be another. */
  synchronized void threadIsLost() {
    lost++;
    resize();
  }

  /** It stopped after all. */
  synchronized void threadCameBack() {
    lost--;
    resize();
  }

  private void resize() {
    if (threads instanceof ThreadPoolExecutor pool) {
      int size = options.threads() + Math.min(lost, LOST_MAX);
      if (size > pool.getMaximumPoolSize()) {
        pool.setMaximumPoolSize(size);
        pool.setCorePoolSize(size);
      } else {
        pool.setCorePoolSize(size);
        pool.setMaximumPoolSize(size);
      }
    }
  }

  @Override
  public synchronized void close() {
    if (threads instanceof ThreadPoolExecutor pool) {
      pool.shutdown();
    }
    for (URLClassLoader loader : loaders) {
      try {
        loader.close();
      } catch (IOException e) {
        LOG.warn("{} cannot be closed", loader.getName(), e);
      }
    }
  }
}
