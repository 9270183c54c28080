package io.pannier.server;

import io.pannier.model.PannierException;
import io.pannier.model.Refusal;
import io.pannier.server.access.Access;
import io.pannier.server.access.Authentication;
import io.pannier.server.access.Caller;
import io.pannier.server.access.Tokens;
import io.pannier.server.events.AuditLog;
import io.pannier.server.http.Exchange;
import io.pannier.server.http.HttpHandler;
import io.pannier.server.http.Response;
import io.pannier.server.http.RouteMeter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The table of routes (http-api.md §5) and the way through it: {@code OPTIONS}, start-up, path and
 * method, token, handler. Runs on event loops.
 *
 * <p>A pattern has up to four parts: a word, {@code *} for one segment (a bucket), a word or {@code
 * **} for the rest of the path (an entry), and a word at the end. The first row that fits path and
 * method wins; an exclusive one ends the search. The methods of all rows that fit are what {@code
 * allow} tells.
 */
final class Routes implements HttpHandler {
  private static final String NOT_FOUND = "Not found";
  static final String METRICS = "metrics";

  /** What a route does. */
  @FunctionalInterface
  interface Handler {
    void handle(Call call) throws Exception;
  }

  /** How it is refused by an instance that only reads; null: it is served. */
  private record Action(
      Access access, Handler handler, RouteMeter meter, @Nullable String readOnlyRefusal) {}

  /** One row of the table. */
  private final class Row {
    final String[] parts;
    final Map<String, Action> actions = new LinkedHashMap<>();
    boolean exclusive;

    Row(String pattern) {
      parts = pattern.split("/");
    }

    Row get(Access access, Handler handler) {
      return on("GET", access, handler).on("HEAD", access, handler);
    }

    Row on(String method, Access access, Handler handler) {
      assert ApiDocument.describes(method, pattern())
          : method + " " + pattern() + " is not described in openapi.json";
      var meter = new RouteMeter(method, route(parts));
      meters.add(meter);
      String refusal = ReadOnly.refusalOf(pattern(), method).orElse(null);
      actions.put(method, new Action(access, handler, meter, refusal));
      return this;
    }

    String pattern() {
      return String.join("/", parts);
    }

    Row exclusive() {
      exclusive = true;
      return this;
    }

    /** Whether the row fits. Sets the entry of the path when it does. */
    boolean fits(Path path) {
      if (parts.length == 1) {
        return path.second == null;
      }
      if (path.second == null || (parts.length == 2) != (path.rest == null)) {
        return false;
      }
      String rest = path.rest;
      if (rest == null) {
        return !path.second.isEmpty();
      }
      if (!parts[2].equals("**")) {
        return rest.equals(parts[2]);
      }
      if (parts.length == 3) {
        path.entry = rest;
        return !rest.isEmpty();
      }
      String suffix = parts[3];
      int at = rest.length() - suffix.length() - 1;
      if (at > 0 && rest.charAt(at) == '/' && rest.endsWith(suffix)) {
        path.entry = rest.substring(0, at);
        return true;
      }
      return false;
    }
  }

  /** A path behind {@code /api/v1/}, taken apart and decoded. */
  private static final class Path {
    final String first;
    final @Nullable String second;
    final @Nullable String rest;
    String entry = "";

    Path(String path, int from) {
      int slash = path.indexOf('/', from);
      if (slash < 0) {
        first = path.substring(from);
        second = null;
        rest = null;
        return;
      }
      first = path.substring(from, slash);
      int next = path.indexOf('/', slash + 1);
      second = HeaderText.percentDecode(path.substring(slash + 1, next < 0 ? path.length() : next));
      rest = next < 0 ? null : HeaderText.percentDecode(path.substring(next + 1));
    }
  }

  private final Context context;
  private final Cors cors;
  private final Audit audit;

  /** Whether calls are noted: not where anybody may do anything. */
  private final boolean notesCalls;

  private final String base;
  private final String api;
  private final ConsolePage console = new ConsolePage();
  private final String metrics;
  private final Map<String, List<Row>> table = new HashMap<>();
  private final List<RouteMeter> meters = new ArrayList<>();

  /** The description of the API, once somebody has asked for it. */
  private volatile byte @Nullable [] document;

  Routes(Context context) {
    this.context = context;
    ServerConfig config = context.config;
    audit = new Audit(context.events.audit(), context);
    notesCalls =
        context.events.isEnabled() && !(config.authentication() instanceof Authentication.Disabled);
    cors = new Cors(config.corsOrigins());
    base = config.basePath();
    api = base + "api/v1/";
    metrics = base + METRICS;

    var server = new ServerRoutes(context);
    row("alive").get(Access.NONE, server::alive);
    row("ready").get(Access.NONE, server::alive);
    row("info").get(Access.TOKEN, server::info);
    row("list").get(Access.TOKEN, server::list);
    row("me").get(Access.TOKEN, server::me);
    row("openapi.json").get(Access.NONE, this::describe);

    row(METRICS)
        .get(
            config.metricsPublic() ? Access.NONE : Access.FULL,
            new MetricsRoutes(context, meters)::scrape);

    var tokens = new TokenRoutes(context);
    row("tokens").get(Access.FULL, tokens::list);
    row("tokens/*")
        .on("POST", Access.FULL, tokens::create)
        .get(Access.FULL, tokens::get)
        .on("DELETE", Access.FULL, tokens::remove);
    row("tokens/*/rotate").on("POST", Access.FULL, tokens::rotate);

    var buckets = new BucketRoutes(context);
    row("b/*")
        .on("GET", Access.READ, buckets::get)
        .on("HEAD", Access.TOKEN, buckets::head)
        .on("POST", Access.FULL, buckets::create)
        .on("PUT", Access.FULL, buckets::change)
        .on("DELETE", Access.FULL, buckets::remove);
    row("b/*/rename").on("PUT", Access.FULL, buckets::rename).exclusive();

    var batches = new BatchRoutes(context);
    var queries = new QueryRoutes(context);
    var records = new RecordRoutes(context, queries);
    row("b/*/**/batch")
        .on("POST", Access.WRITE, batches::writeOne)
        .get(Access.READ, queries::readBatchOfOne)
        .on("PATCH", Access.WRITE, batches::updateOne)
        .on("DELETE", Access.WRITE, batches::removeOne);
    row("b/*/**/q")
        .on("POST", Access.TOKEN, queries::startOne)
        .get(Access.READ, queries::startOneLegacy)
        .on("DELETE", Access.WRITE, queries::removeOneLegacy);
    row("b/*/**/rename").on("PUT", Access.WRITE, buckets::renameEntry);
    row("b/*/**")
        .on("POST", Access.WRITE, records::write)
        .get(Access.READ, records::read)
        .on("PATCH", Access.WRITE, records::update)
        .on("DELETE", Access.WRITE, records::remove)
        .on(
            "PUT",
            Access.NONE,
            call -> {
              throw new PannierException.NotFound(NOT_FOUND);
            });

    var links = new LinkRoutes(context);
    row("links/*").on("POST", Access.TOKEN, links::create).get(Access.NONE, links::open);
    row("links/*/**").on("POST", Access.TOKEN, links::create).get(Access.NONE, links::open);
    var lifecycles = new LifecycleRoutes(context);
    row("lifecycles").get(Access.FULL, lifecycles::list);
    row("lifecycles/*")
        .get(Access.FULL, lifecycles::get)
        .on("POST", Access.FULL, lifecycles::create)
        .on("PUT", Access.FULL, lifecycles::update)
        .on("DELETE", Access.FULL, lifecycles::remove);
    row("lifecycles/*/mode").on("PATCH", Access.FULL, lifecycles::changeMode);

    row("io/*/q").on("POST", Access.TOKEN, queries::startMany);
    row("io/*/read").get(Access.READ, queries::readBatchOfMany);
    row("io/*/write").on("POST", Access.WRITE, batches::writeMany);
    row("io/*/update").on("PATCH", Access.WRITE, batches::updateMany);
    var uploads = new UploadRoutes(context);
    row("io/*/upload")
        .get(Access.WRITE, uploads::get)
        .on("POST", Access.WRITE, uploads::append)
        .on("PUT", Access.WRITE, uploads::finish)
        .on("DELETE", Access.WRITE, uploads::abandon);
    row("io/*/remove").on("DELETE", Access.WRITE, batches::removeMany);

    var replications = new ReplicationRoutes(context);
    row("replications").get(Access.FULL, replications::list);
    row("replications/*")
        .get(Access.FULL, replications::get)
        .on("POST", Access.FULL, replications::create)
        .on("PUT", Access.FULL, replications::change)
        .on("DELETE", Access.FULL, replications::remove);
    row("replications/*/mode").on("PATCH", Access.FULL, replications::mode);

    var backups = new BackupRoutes(context);
    row("backups").on("POST", Access.FULL, backups::begin);
    row("backups/*").on("DELETE", Access.FULL, backups::end);
    row("backups/*/**").on("GET", Access.FULL, backups::block);
    row("restores/*").on("POST", Access.FULL, backups::restore);
    var checks = new CheckRoutes(context);
    row("verify").on("POST", Access.FULL, checks::verify);
    row("scrub").on("GET", Access.FULL, checks::scrub).on("POST", Access.FULL, checks::startScrub);
  }

  /** A pattern as metrics show it: {@code /b/{bucket}/{entry}/batch}. */
  private static String route(String[] parts) {
    var text = new StringBuilder();
    for (String part : parts) {
      text.append('/');
      switch (part) {
        case "*" ->
            text.append(parts[0].equals("b") || parts[0].equals("io") ? "{bucket}" : "{name}");
        case "**" -> text.append(parts[0].equals("b") ? "{entry}" : "{file}");
        default -> text.append(part);
      }
    }
    return text.toString();
  }

  private Row row(String pattern) {
    var row = new Row(pattern);
    table.computeIfAbsent(row.parts[0], first -> new ArrayList<>()).add(row);
    return row;
  }

  @Override
  public void handle(Exchange exchange) throws Exception {
    String method = exchange.method();
    String target = exchange.path();
    Path path =
        target.startsWith(api)
            ? new Path(target, api.length())
            // Where scrapers look for them.
            : target.equals(metrics) ? new Path(target, base.length()) : null;
    if (method.equals("OPTIONS")) {
      exchange.respond(
          cors.preflight(
              isEntrance(target) ? "GET,HEAD" : allow(path),
              exchange.header("origin"),
              exchange.header("access-control-request-headers")));
      return;
    }
    Action action = path == null ? null : action(path, method);
    if (action != null) {
      exchange.countAs(action.meter);
    }
    if (!context.isOpen()) {
      boolean isAlive = action != null && path != null && path.first.equals("alive");
      answer(
          exchange,
          isAlive
              ? Response.of(200)
              : Response.retryLater(503, Context.STARTING, 1)
                  .refusing(Refusal.STARTING)
                  .header("x-reduct-log-hint", "skip-error-log"));
      return;
    }
    try {
      if (context.limiter.countsRequests()) {
        context.limiter.request(context.client(exchange));
      }
      if (action == null || path == null) {
        answer(exchange, withoutRoute(target, method, path));
        return;
      }
      String name = path.second == null ? "" : path.second;
      Caller caller = caller(exchange, action.access);
      audit(exchange, action.access, caller.name());
      caller.require(action.access, name);
      if (action.readOnlyRefusal != null && context.store().isFollowing()) {
        throw ReadOnly.refusal(action.readOnlyRefusal);
      }
      refuseOwnBucket(action.access, path);
      action.handler.handle(
          new Call(exchange, context, cors, caller, action.access, name, path.entry));
    } catch (PannierException.Unauthorized e) {
      if (action != null) {
        audit(exchange, action.access, AuditLog.UNAUTHORIZED);
      }
      answer(exchange, Errors.response(e));
    } catch (PannierException e) {
      answer(exchange, Errors.response(e));
    }
  }

  private Caller caller(Exchange exchange, Access access) {
    Tokens tokens = context.tokens();
    return access == Access.NONE
        ? tokens.stranger()
        : tokens.authenticate(exchange.header("authorization"), () -> context.client(exchange));
  }

  /** The methods of every row, by its pattern. */
  Map<String, Set<String>> table() {
    var rows = new TreeMap<String, Set<String>>();
    table.values().stream()
        .flatMap(List::stream)
        .forEach(row -> rows.put(row.pattern(), row.actions.keySet()));
    return rows;
  }

  /** The description of the API (OpenAPI). It says nothing about what is stored. */
  private void describe(Call call) {
    byte[] known = document;
    if (known != null) {
      call.respond(Response.json(200, known));
      return;
    }
    call.block(ex -> {
      var routes = new ArrayList<ApiDocument.Route>();
      table.values().stream()
          .flatMap(List::stream)
          .forEach(row ->
              row.actions.forEach((method, action) ->
                  routes.add(new ApiDocument.Route(method, row.pattern(), action.access))));
      byte[] made = ApiDocument.write(routes, base);
      document = made;
      call.respond(Response.json(200, made));
    });
  }

  /** Notes who calls; not of health checks. */
  private void audit(Exchange exchange, Access access, String caller) {
    if (notesCalls && access != Access.NONE) {
      audit.note(exchange, caller);
    }
  }

  /** Buckets of the server itself are written by the server. */
  private static void refuseOwnBucket(Access access, Path path) {
    if (access == Access.WRITE && path.second != null) {
      Context.refuseOwnBucket(path.second);
    }
  }

  private void answer(Exchange exchange, Response response) {
    exchange.respond(cors.isOff() ? response : cors.allow(response, exchange.header("origin")));
  }

  private @Nullable Action action(Path path, String method) {
    List<Row> rows = table.get(path.first);
    if (rows != null) {
      for (Row row : rows) {
        if (row.fits(path)) {
          Action action = row.actions.get(method);
          if (action != null || row.exclusive) {
            return action;
          }
        }
      }
    }
    return null;
  }

  /** Methods of the rows that fit, for {@code allow}; empty when none does. */
  private String allow(@Nullable Path path) {
    List<Row> rows = path == null ? null : table.get(path.first);
    if (path == null || rows == null) {
      return "";
    }
    Set<String> methods = new LinkedHashSet<>();
    for (Row row : rows) {
      if (row.fits(path)) {
        methods.addAll(row.actions.keySet());
        if (row.exclusive) {
          break;
        }
      }
    }
    return String.join(",", methods);
  }

  /** Whether this is the root of everything, from where the way leads to the console. */
  private boolean isEntrance(String target) {
    return target.equals(base) || (target + "/").equals(base);
  }

  private Response withoutRoute(String target, String method, @Nullable Path path) {
    String allow = allow(path);
    boolean isGet = method.equals("GET") || method.equals("HEAD");
    if (!allow.isEmpty()) {
      return Response.of(405).header("allow", allow);
    }
    if (!isGet) {
      return Response.of(405).header("allow", "GET,HEAD");
    }
    String ui = base + "ui/";
    if (isEntrance(target) || (target + "/").equals(ui)) {
      return Response.of(302)
          .header("content-type", "text/plain; charset=utf-8")
          .header("location", ui);
    }
    if (target.startsWith(ui)) {
      return console.get(target.substring(ui.length()));
    }
    return Response.error(404, NOT_FOUND);
  }
}
