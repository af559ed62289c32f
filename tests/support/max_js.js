// Max's js object, many of them in one process, so that scripts run as they stand.
//
//     node max_js.js
//
// Reads one JSON object a line. `of` says which js object it is for; the first one for an object
// makes it:
//
//     {"of": n, "file": path, "arguments": [...], "boxes": [scripting name, ...], "live": bool,
//      "dropped": [n, ...]}   objects that are needed no more
//
// Every key of the others is optional, and they are taken in this order:
//
//     {"of": n, "set": {...}, "ready": bool, "absent": bool, "now": ms, "late": bool,
//      "message": [name, ...], "dump": true, "deleted": true}
//
// `now` runs the tasks that are due, each at its own time, or with `late` all at that time: Max was
// busy. Each is answered with one line:
//
//     {"error": text or null, "posted": [...], "next": when the next task is due, or null,
//      "inlets": n, "outlets": n, "set": {...} if it was asked for}
//
// What a script sends goes out while it sends it, as in Max: {"at": ms, "outlet": n, "atoms": [...]}
// or {"at": ms, "box": name, "atoms": [...]}. It waits for {"done": true}; until that comes there
// may be other requests, for the same object as well.
//
// It is strict: what is not documented of js is not there, and what a script should not do is an
// error.
"use strict";

const fs = require("fs");
const path = require("path");
const vm = require("vm");

const LIVE = path.join(__dirname, "live_api.js");
const scripts = new Map(); // compiled, by path
const objects = new Map();

// Messages that js acts on itself, so that no function of these names is ever called.
const KEPT = [
    "autowatch", "compile", "delprop", "editfontsize", "getprop", "open", "read", "setprop",
    "statemessage", "wclose"
];

// Lines, read and written so that the whole process waits: a script stands still meanwhile.

let unread = "";
const chunk = Buffer.alloc(1 << 16);

function readLine() {
    let end;
    while ((end = unread.indexOf("\n")) < 0) {
        const size = fs.readSync(0, chunk, 0, chunk.length, null);
        if (size === 0) process.exit(0);
        unread += chunk.toString("utf8", 0, size);
    }
    const line = unread.slice(0, end);
    unread = unread.slice(end + 1);
    return JSON.parse(line);
}

function write(answer) {
    fs.writeSync(1, JSON.stringify(answer) + "\n");
}

function refuse(text) {
    throw new Error(text);
}

// A js object.

function atom(value) {
    if (typeof value === "string") return value;
    if (typeof value === "number" && Number.isFinite(value)) return value;
    return refuse("what is sent must be a number or a string, got " + value);
}

function compiled(file) {
    if (!scripts.has(file)) {
        scripts.set(file, new vm.Script(fs.readFileSync(file, "utf8"), { filename: file }));
    }
    return scripts.get(file);
}

function freshLive() {
    delete require.cache[LIVE];
    return require(LIVE);
}

class Js {
    constructor(told) {
        this.now = 0;
        this.posted = [];
        this.tasks = new Set();
        this.live = told.live ? freshLive() : null;
        const js = this;

        function Task(what, self, args) {
            if (typeof what !== "function") refuse("Task takes a function");
            Object.assign(this, { what, self, args: args || [], due: null });
            js.tasks.add(this);
        }
        Task.prototype.schedule = function (ms) {
            // What a second schedule does to the first is not documented.
            if (this.due !== null) refuse("a task that is scheduled already");
            if (typeof ms !== "number" || !(ms >= 0)) refuse("a delay must be a number, got " + ms);
            this.due = js.now + ms;
        };
        Task.prototype.cancel = function () {
            this.due = null;
        };

        this.context = vm.createContext({
            autowatch: 0,
            inlets: 1,
            outlets: 1,
            messagename: "",
            jsarguments: [path.basename(told.file), ...told.arguments],
            patcher: {
                getnamed(name) {
                    if (!told.boxes.includes(name)) refuse("no box has the name " + name);
                    return Object.freeze({
                        message: (...values) => js.send({ box: name }, values)
                    });
                }
            },
            Task,
            arrayfromargs: (...values) =>
                values.flatMap((value) =>
                    Object.prototype.toString.call(value) === "[object Arguments]"
                        ? Array.from(value)
                        : [value]
                ),
            outlet(index, ...values) {
                if (!(index >= 0 && index < js.context.outlets)) refuse("no outlet " + index);
                js.send({ outlet: index }, values);
            },
            post: (...words) => js.posted.push(words.join(" "))
        });
        if (this.live) this.context.LiveAPI = this.live.LiveAPI;
        compiled(told.file).runInContext(this.context);
        this.names = new Set(Object.keys(this.context));
    }

    send(to, values) {
        write({ at: this.now, ...to, atoms: values.flat().map(atom) });
        for (let line = readLine(); !line.done; line = readLine()) answer(line);
    }

    get next() {
        const waiting = [...this.tasks].filter((task) => task.due !== null);
        return waiting.reduce((a, b) => (a === null || b.due < a.due ? b : a), null);
    }

    advance(until, late) {
        if (until < this.now) refuse("time runs backwards");
        for (let task = this.next; task && task.due <= until; task = this.next) {
            this.now = late ? until : task.due;
            task.due = null;
            task.what.apply(task.self || this.context, task.args);
        }
        this.now = until;
    }

    handler(name) {
        const found = this.context[name];
        return typeof found === "function" && !found.local && this.names.has(name) ? found : null;
    }

    // Max calls `list` for what begins with a number, `msg_int` or `msg_float` for a number alone
    // (one that is missing is stood in for by the other), and `anything` where there is no function.
    take([name, ...args]) {
        let special = name;
        if (KEPT.includes(name)) refuse("js keeps the message " + name + " for itself");
        if (typeof name === "number") {
            special = args.length ? "list" : "msg_float";
            if (!args.length && Number.isInteger(name) && this.handler("msg_int")) {
                special = "msg_int";
            }
            args = [name, ...args];
        }
        const found = this.handler(special) || this.handler("anything");
        if (!found) refuse("js has no function " + name);
        const before = this.context.messagename;
        this.context.messagename = special;
        found.apply(this.context, args);
        this.context.messagename = before;
    }

    deleted() {
        const found = this.handler("notifydeleted");
        if (found) found.call(this.context);
        if (this.next) refuse("a task goes on after the object was deleted");
    }

    check() {
        for (const name of Object.keys(this.context)) {
            if (!this.names.has(name)) refuse("the script made a global: " + name);
        }
    }
}

function answer(request) {
    const told = { error: null };
    let js = objects.get(request.of);
    try {
        if (!js) {
            for (const id of request.dropped) objects.delete(id);
            js = new Js(request);
            objects.set(request.of, js);
        }
        if (request.set) js.live.load(request.set);
        if (request.ready !== undefined) js.live.setReady(request.ready);
        if (request.absent !== undefined) js.live.setAbsent(request.absent);
        if (request.now !== undefined) js.advance(request.now, request.late);
        if (request.message) js.take(request.message);
        if (request.dump) told.set = js.live.dump();
        if (request.deleted) js.deleted();
        js.check();
    } catch (error) {
        told.error = error.message;
    }
    if (js) {
        Object.assign(told, { posted: js.posted, next: js.next ? js.next.due : null });
        Object.assign(told, { inlets: js.context.inlets, outlets: js.context.outlets });
        js.posted = [];
    }
    write(told);
}

for (;;) answer(readLine());
