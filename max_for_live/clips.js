// Clips between Live's session and Antiphon, for the Max object js. ECMAScript 5 only.
//
// Notes that are played never come here: js runs at low priority. What comes here is whole clips.
//
// Inlet:  readclip                 the clip shown in Live's detail view becomes the phrase (not
//                                  "read", which js keeps for itself)
//         writeclip WHAT           0 the last answer, 1 the phrase, 2 the variations on offer: into
//                                  empty slots of the device's own track
//         channel N                what clips that are read are: 10 drums, any other pitched
//         cancel                   forget what is under way
//         begin ID BEATS COUNT, note ID N PITCH START DURATION VELOCITY, end ID,
//         varied INDEX DISTANCE NOTES, phrase BEATS NOTES, refused CODE ADDRESS
//                                  what the daemon sent to /antiphon/clip/begin, clip/note,
//                                  clip/end, variation, phrase and error
// Outlet: 0 messages for udpsend; 1 set CODE for the face that shows it (the codes stand below)
//
// Source of names and meanings: the Live Object Model of Max's documentation, Live 11 and later.

autowatch = 0;
inlets = 1;
outlets = 2;

var IDLE = 0;
var ASKING = 1;
var WRITTEN = 2;
var READ = 3;
var NOTHING = 4; // the daemon has no such clip, or the selected clip has no notes
var NO_CLIP = 5; // no clip is selected
var INCOMPLETE = 6; // notes were lost, four times over
var NO_LIVE = 7; // there is no Live around the patcher
var UNUSABLE = 8; // more notes or bars than a phrase may have
var NOT_MIDI = 9; // the selected clip is audio
var NO_SLOT = 10; // the track takes no clips: frozen, a group, or no slot could be had
var NO_REPLY = 11; // nothing came from the daemon

var MOST_NOTES = 1024;
var MOST_BARS = 8;
var BATCH = 32; // notes sent in one go, so that no socket's buffer overflows
var PACE = 10; // ms from one batch to the next
var WAIT = 500; // ms of silence after which something was lost
var PAUSE = 200; // ms before sending again what the daemon could not take
var SHORTEST = 0.01; // beats; Live refuses notes without length
var TRIES = 4; // the first one and three more

var ANSWER = -1;
var PHRASE = 0;
var MOST_VARIATIONS = 16;

var job = null; // what is under way: a clip on its way in or out
var distances = {}; // of the variations on offer, by index
var part = 1; // MIDI channel of clips that are read
var later = null; // what the timer does next
var timer = new Task(wake);

// Messages from the patcher.

function readclip() {
    var clip, from, span, bar, notes;
    drop();
    if (!hasLive()) return tell(NO_LIVE);
    clip = child(at("live_set view"), "detail_clip");
    if (!clip) return tell(NO_CLIP);
    if (!number(clip, "is_midi_clip")) return tell(NOT_MIDI);
    // The loop if the clip loops, else what lies between its start and its end.
    from = number(clip, "loop_start");
    span = number(clip, "loop_end") - from;
    bar = (4 * number(clip, "signature_numerator")) / number(clip, "signature_denominator");
    if (!(span > 0) || span > MOST_BARS * bar + 1e-6) return tell(UNUSABLE);
    notes = heard(clip, from, span);
    if (!notes.length) return tell(NOTHING);
    if (notes.length > MOST_NOTES) return tell(UNUSABLE);
    job = { upload: true, beats: span, notes: notes, ended: false, left: TRIES };
    tell(ASKING);
    anew();
}

function writeclip(what) {
    drop();
    if (!hasLive()) return tell(NO_LIVE);
    if (!ownTrack()) return tell(NO_SLOT); // said before anything is asked for
    job = { upload: false, index: 1, heard: false, written: 0 };
    if (what < 2) job.index = what === 0 ? ANSWER : PHRASE;
    tell(ASKING);
    wantNext();
}

function channel(number) {
    part = number;
}

function cancel() {
    finish(IDLE);
}

function begin(id, beats, count) {
    if (!wanted(id)) return;
    if (beats !== job.beats || count !== job.count) job.notes = {}; // another clip than last time
    job.beats = beats;
    job.count = count;
    job.begun = true;
}

// What came at an earlier try counts, unless the same note was another one then.
function note(id, n, pitch, start, duration, velocity) {
    var one, old;
    if (!wanted(id)) return;
    one = {
        pitch: pitch,
        start_time: start,
        duration: Math.max(duration, SHORTEST),
        velocity: velocity
    };
    old = job.notes[n];
    if (old && JSON.stringify(old) !== JSON.stringify(one)) job.notes = {};
    job.notes[n] = one;
}

function end(id) {
    var notes = [];
    var n;
    if (!wanted(id)) return;
    if (!job.begun) return again(); // its beginning was lost
    for (n = 0; n < job.count; n++) {
        if (!job.notes[n]) return again();
        notes.push(job.notes[n]);
    }
    if (!notes.length || !(job.beats > 0)) return finish(job.written ? WRITTEN : NOTHING);
    if (!put(job.beats, notes, title(job.index))) return finish(NO_SLOT);
    job.written += 1;
    if (job.index < 1 || job.index === MOST_VARIATIONS) return finish(WRITTEN);
    job.index += 1;
    wantNext();
}

function varied(index, distance) {
    distances[index] = distance;
}

function phrase() {
    distances = {}; // variations of another phrase
    if (job && job.upload && job.ended) finish(READ);
}

function refused(code, address) {
    if (!job) return;
    if (!job.upload) {
        if (address === "/antiphon/clip/get") finish(job.written ? WRITTEN : NOTHING);
        return;
    }
    if (address !== "/antiphon/clip/begin" && address !== "/antiphon/clip/end") return;
    if (code !== 4) return finish(UNUSABLE);
    job.ended = false;
    // Notes were lost: the daemon keeps what it has, unless the beginning was lost as well.
    job.whole = address === "/antiphon/clip/begin" || !job.whole;
    after(PAUSE, again);
}

function notifydeleted() {
    drop();
}

// What is under way.

function wanted(id) {
    if (!job || job.upload || id !== job.index) return false;
    job.silent = false;
    job.heard = true;
    return true;
}

function wantNext() {
    job.left = TRIES;
    job.notes = {};
    again();
}

function anew() {
    job.whole = true;
    again();
}

function again() {
    if (job.left === 0) {
        return finish(job.upload || job.heard || job.written ? INCOMPLETE : NO_REPLY);
    }
    job.left -= 1;
    if (job.upload) {
        job.sent = 0;
        if (job.whole) {
            outlet(0, "/antiphon/clip/begin", PHRASE, job.beats, job.notes.length, part);
        }
        return sendBatch();
    }
    job.begun = false;
    job.silent = true;
    outlet(0, "/antiphon/clip/get", job.index);
    after(WAIT, listen);
}

function listen() {
    if (job.silent) return again();
    job.silent = true;
    after(WAIT, listen);
}

function sendBatch() {
    var last = Math.min(job.sent + BATCH, job.notes.length);
    var n, one;
    for (n = job.sent; n < last; n++) {
        one = job.notes[n];
        outlet(
            0, "/antiphon/clip/note", PHRASE, n,
            one.pitch, one.start_time, one.duration, one.velocity
        );
    }
    job.sent = last;
    if (last < job.notes.length) return after(PACE, sendBatch);
    job.ended = true;
    outlet(0, "/antiphon/clip/end", PHRASE);
    after(WAIT, anew);
}

function finish(code) {
    drop();
    tell(code);
}

function tell(code) {
    outlet(1, "set", code);
}

function after(ms, what) {
    timer.cancel();
    later = what;
    timer.schedule(ms);
}

function drop() {
    timer.cancel();
    job = null;
}

function wake() {
    if (job) later();
}

// Live's objects. A property comes as a list of one, a child as "id" and a number, 0 for none.

function hasLive() {
    return typeof LiveAPI !== "undefined" && Number(at("live_set").id) !== 0;
}

function at(path) {
    return new LiveAPI(path);
}

function number(object, property) {
    return Number(object.get(property));
}

function ids(object, name) {
    var list = object.get(name);
    var found = [];
    var n;
    for (n = 1; n < list.length; n += 2) found.push(Number(list[n]));
    return found;
}

function child(object, name) {
    var id = ids(object, name)[0];
    return id ? at("id " + id) : null;
}

// The track that the device is on, through racks and their chains; null if it takes no clips.
function ownTrack() {
    var here = at("this_device");
    while (here && Number(here.id) !== 0 && here.type !== "Track") {
        here = here.type === "Song" ? null : child(here, "canonical_parent");
    }
    if (!here || Number(here.id) === 0 || !number(here, "has_midi_input")) return null;
    if (number(here, "is_foldable") || number(here, "is_frozen")) return null;
    return here;
}

// The scene that plays on the track, else the selected one.
function firstScene(track) {
    var playing = number(track, "playing_slot_index");
    var selected;
    if (playing >= 0) return playing;
    selected = ids(at("live_set view"), "selected_scene")[0];
    return Math.max(0, ids(at("live_set"), "scenes").indexOf(selected));
}

function freeSlot(track) {
    var slots = ids(track, "clip_slots");
    var count = slots.length;
    var n, slot;
    for (n = firstScene(track); n < count; n++) {
        slot = at("id " + slots[n]);
        if (!number(slot, "has_clip")) return slot;
    }
    at("live_set").call("create_scene", -1);
    slots = ids(track, "clip_slots");
    return slots.length > count ? at("id " + slots[count]) : null; // some editions limit scenes
}

function put(beats, notes, name) {
    var track = ownTrack();
    var slot = track && freeSlot(track);
    var clip;
    if (!slot) return false;
    slot.call("create_clip", beats);
    clip = child(slot, "clip");
    if (!clip) return false;
    clip.set("name", name);
    clip.call("add_new_notes", { notes: notes });
    return true;
}

function title(index) {
    if (index === ANSWER) return "Antiphon Answer";
    if (index === PHRASE) return "Antiphon Phrase";
    if (distances[index] === undefined) return "Antiphon Variation " + index;
    return "Antiphon Variation " + index + " (" + distances[index].toFixed(2) + ")";
}

// The notes that sound in a part of a clip, counted from its start and cut at its end, in order.
function heard(clip, from, span) {
    var told = clip.call("get_notes_extended", 0, 128, from, span);
    var notes = (told.notes ? told : JSON.parse(String(told))).notes;
    var kept = [];
    var n, one, start;
    for (n = 0; n < notes.length; n++) {
        one = notes[n];
        start = one.start_time - from;
        if (Number(one.mute) || start < 0 || start >= span) continue;
        kept.push({
            pitch: one.pitch,
            start_time: start,
            duration: Math.min(one.duration, span - start),
            velocity: Math.max(1, Math.min(127, Math.round(one.velocity)))
        });
    }
    kept.sort(function (a, b) {
        return a.start_time - b.start_time || a.pitch - b.pitch;
    });
    return kept;
}

// What the patcher may not call.
(function (inner) {
    var n;
    for (n = 0; n < inner.length; n++) inner[n].local = 1;
})([
    wanted, wantNext, anew, again, listen, sendBatch, finish, tell, after, drop, wake, hasLive, at,
    number, ids, child, ownTrack, firstScene, freeSlot, put, title, heard
]);
