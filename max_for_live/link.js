// The link between the faces and the daemon, for the Max object js. ECMAScript 5 only.
//
//     js link.js INDEX ... NAME ...
//
// INDEX    the daemon's number of the first, second ... entry of Mode
// NAME     what comes in at the first, second ... inlet of the funnel: a parameter of the daemon, one
//          of the device's own faces, or a button's message. A face is called like that in Title
//          Case, with blanks for slashes.
//
// Inlet:   bang                    all values are there: begin
//          PLACE VALUE             from the funnel: a face has that value, or a button was pressed
//          an address and its arguments, as the daemon sent them: its slash keeps the names of
//          functions apart
// Outlet:  0 udpsend, 1 udpreceive, 2 whether there is a daemon, 3 bang: tell the clock,
//          4 bang: silence, 5 our port, 6 the channel that is played on, 7 messages for clips.js
// Boxes:   "ping" and "bye" are message boxes, told what to say; faces are shown what is with `set`,
//          which they do not send on.
//
// js runs on Max's main thread, at low priority: it stands still while a set loads or a menu is
// open. So no note, clock or ping passes here, and nothing here ends what sounds but the loss of the
// daemon, which is counted in seconds that this script has seen itself: one that lasted longer is
// still one, and the pongs that came meanwhile are heard before the next. A deferlow before the
// inlet keeps everything in the order in which it came, which js by itself does not promise.

autowatch = 0;

var SEND = 0;
var RECEIVE = 1;
var LINK = 2;
var CLOCK = 3;
var SILENCE = 4;
var PORT = 5;
var CHANNEL = 6;
var CLIPS = 7;

var PREFIX = "/antiphon/";
var PARAM = "param/";
var PROTOCOL = 1;
var NOT_NOW = 4; // the code of the error that answers a ping of somebody unknown
var SECOND = 1000;
var AGAIN = 2; // seconds from one hello to the next
var LOST = 5; // seconds without a pong
var DRUMS = 9; // channels from that of pitched notes to that of drums

var FOR_CLIPS = {
    error: "refused", phrase: "phrase", variation: "varied",
    "clip/begin": "begin", "clip/note": "note", "clip/end": "end"
};
var HEARD = { pong: pong, state: state, error: refused };
var OWN = { // what becomes of the device's own faces, and of its buttons
    active: tellMode, mode: tellMode, drums: tellChannel,
    "receive/port": openPorts, instance: openPorts, "daemon/port": openPorts,
    variations: wait, "capture/length": wait, clip: wait,
    turn: say, panic: say, keep: say, undo: say,
    capture: capture, vary: vary, read: readClip, write: writeClip
};

var modes = [];
var names = []; // by place
var values = {}; // by name: what a face says or shows
var ready = false;
var port = 0;
var daemon = 0;
var connected = 0;
var quiet = 0; // seconds since the last pong or hello
var timer = new Task(wake);
var around = this.patcher;

(function () {
    var n;
    for (n = 1; n < jsarguments.length; n++) {
        (typeof jsarguments[n] === "number" ? modes : names).push(jsarguments[n]);
    }
})();
outlets = 8;

// Messages from the patcher.

function bang() {
    ready = true;
    openPorts();
}

function list(place, value) {
    var name = names[place];
    values[name] = value;
    (OWN[name] || tell)(name);
}

function anything(first, second) {
    var name = messagename.slice(PREFIX.length);
    if (name.indexOf(PARAM) === 0) take(name.slice(PARAM.length), first);
    if (HEARD[name]) HEARD[name](first, second);
    if (FOR_CLIPS[name]) outlet(CLIPS, arrayfromargs(FOR_CLIPS[name], arguments));
}

function notifydeleted() {
    timer.cancel();
}

// The connection.

function wake() {
    quiet += 1;
    if (quiet === (connected ? LOST : AGAIN)) hello();
    else timer.schedule(SECOND);
}

// There is no daemon, or none that knows us (any more).
function hello() {
    if (connected) {
        connect(0);
        outlet(SILENCE, "bang");
    }
    countAnew();
    outlet(SEND, PREFIX + "hello", PROTOCOL, port, 1);
}

function pong() {
    var name;
    countAnew();
    if (connected) return;
    connect(1);
    outlet(CLOCK, "bang"); // first of all: it carries our port, and so makes us a partner of our own
    tellMode();
    for (name in values) if (!OWN[name]) tell(name);
}

function countAnew() {
    quiet = 0;
    timer.cancel();
    timer.schedule(SECOND);
}

function connect(is) {
    connected = is;
    outlet(LINK, is);
    show("status", is);
}

function state(code) {
    show("status", code + 1);
}

function refused(code, address) {
    if (code === NOT_NOW && address === PREFIX + "ping") hello();
}

function openPorts() {
    var hears = Math.floor(values["receive/port"]) + values.instance;
    var sends = Math.floor(values["daemon/port"]);
    if (!(ready && hears && sends) || (hears === port && sends === daemon)) return;
    if (port) outlet(SEND, PREFIX + "bye", port);
    port = hears;
    daemon = sends;
    outlet(RECEIVE, "port", port);
    outlet(SEND, "port", daemon);
    outlet(PORT, port);
    write("ping");
    write("bye");
    hello();
}

// What the message box of that name says.
function write(name) {
    around.getnamed(name).message("set", PREFIX + name, port);
}

// Faces.

function tell(name) {
    say(PARAM + name, port, values[name]);
}

function tellMode() {
    say("mode", values.active ? modes[values.mode] : 0);
}

function tellChannel() {
    var channel = 1 + DRUMS * values.drums;
    outlet(CHANNEL, channel);
    outlet(CLIPS, "channel", channel);
}

function wait() {} // for the button that it belongs to

function capture(name) {
    say(name, values["capture/length"]);
}

function vary(name) {
    say(name, values.variations, values["vary/amount"]);
}

function readClip() {
    outlet(CLIPS, "readclip");
}

function writeClip() {
    outlet(CLIPS, "writeclip", values.clip);
}

function take(name, value) {
    if (values[name] === undefined || OWN[name]) return; // a parameter without a face
    values[name] = value;
    show(name, value);
}

function show(name, value) {
    around.getnamed(title(name)).message("set", value);
}

function title(name) {
    var words = name.split("/");
    var n;
    for (n = 0; n < words.length; n++) words[n] = words[n][0].toUpperCase() + words[n].slice(1);
    return words.join(" ");
}

function say(name) {
    var message = arrayfromargs(arguments);
    message[0] = PREFIX + name;
    if (connected) outlet(SEND, message);
}
