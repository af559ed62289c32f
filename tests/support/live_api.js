// A small Live set, so that a script for Max's js object runs as it stands. For max_js.js, which
// loads this file once for each script: the set, and whether the device is ready, are the module's.
//
// It is strict: a path, property, child, function or argument that Live's object model (11 and
// later) does not have is an error, and so is LiveAPI before the device is ready.
"use strict";

// The part of the object model that is simulated: children, properties (w: can be set), functions.
const CLASSES = {
    Song: {
        children: ["view", "tracks", "scenes"],
        properties: { is_playing: "w", signature_numerator: "w", signature_denominator: "w" },
        functions: ["create_scene"]
    },
    "Song.View": {
        children: ["detail_clip", "selected_scene", "selected_track", "highlighted_clip_slot"],
        properties: {},
        functions: []
    },
    Track: {
        children: ["clip_slots", "devices", "canonical_parent", "group_track"],
        properties: {
            name: "w", has_midi_input: "", is_foldable: "", is_frozen: "", playing_slot_index: "",
            can_be_frozen: "", arm: "w"
        },
        functions: ["stop_all_clips"]
    },
    Chain: { children: ["devices", "canonical_parent"], properties: { name: "w" }, functions: [] },
    Device: {
        children: ["chains", "canonical_parent"],
        properties: { name: "w", can_have_chains: "" },
        functions: []
    },
    Scene: {
        children: ["clip_slots", "canonical_parent"],
        properties: { name: "w", is_empty: "" },
        functions: ["fire"]
    },
    ClipSlot: {
        children: ["clip", "canonical_parent"],
        properties: { has_clip: "", is_group_slot: "", is_playing: "" },
        functions: ["create_clip", "delete_clip", "fire"]
    },
    Clip: {
        children: ["canonical_parent"],
        properties: {
            name: "w", is_midi_clip: "", is_audio_clip: "", length: "", looping: "w",
            loop_start: "w", loop_end: "w", start_marker: "w", end_marker: "w",
            signature_numerator: "w", signature_denominator: "w", muted: "w"
        },
        functions: ["get_notes_extended", "add_new_notes", "fire"]
    }
};

let live = null; // the set
let ready = false;
let absent = false; // no Live around the patcher: every path leads to id 0
let objects = new Map(); // id to object; ids are never given twice
let lastId = 0;

function refuse(text) {
    throw new Error(text);
}

function make(type, parent, values, links) {
    lastId += 1;
    const one = { id: lastId, type, parent, values: values || {}, links: links || {} };
    objects.set(one.id, one);
    return one;
}

function makeClip(slot, told) {
    const midi = told.kind !== "audio";
    const end = told.loop_end === undefined ? told.length : told.loop_end;
    const clip = make("Clip", slot, {
        name: told.name || "",
        is_midi_clip: Number(midi),
        is_audio_clip: Number(!midi),
        looping: told.looping === undefined ? 1 : Number(told.looping),
        loop_start: told.loop_start || 0,
        loop_end: end,
        start_marker: told.loop_start || 0,
        end_marker: end,
        signature_numerator: (told.signature || [4, 4])[0],
        signature_denominator: (told.signature || [4, 4])[1],
        muted: 0
    });
    clip.notes = [];
    if (midi) addNotes(clip, { notes: told.notes || [] });
    return clip;
}

function makeDevices(owner, told) {
    return (told || []).map((one) => {
        const device = make("Device", owner, {
            name: one.name || "",
            can_have_chains: Number(Boolean(one.chains))
        });
        device.links.chains = (one.chains || []).map((devices) => {
            const chain = make("Chain", device, { name: "" });
            chain.links.devices = makeDevices(chain, devices);
            return chain;
        });
        if (one.me) live.me = device;
        return device;
    });
}

function makeSlot(track, told) {
    const slot = make("ClipSlot", track, {
        is_group_slot: Number(track.values.is_foldable),
        is_playing: 0
    });
    slot.links.clip = told ? makeClip(slot, told) : null;
    return slot;
}

function load(told) {
    live = { me: null, limit: told.scene_limit || Infinity, full: Boolean(told.full) };
    objects = new Map();
    const song = make("Song", null, {
        is_playing: 0, signature_numerator: 4, signature_denominator: 4
    });
    live.song = song;
    song.links.view = make("Song.View", song);
    song.links.scenes = [];
    for (let n = 0; n < (told.scenes || 1); n++) {
        song.links.scenes.push(make("Scene", song, { name: "" }));
    }
    song.links.tracks = (told.tracks || []).map((one) => {
        const kind = one.kind || "midi";
        const track = make("Track", song, {
            name: one.name || "",
            has_midi_input: Number(kind === "midi"),
            is_foldable: Number(kind === "group"),
            is_frozen: Number(Boolean(one.frozen)),
            can_be_frozen: Number(kind !== "group"),
            playing_slot_index: one.playing === undefined ? -1 : one.playing,
            arm: 0
        });
        track.links.clip_slots = song.links.scenes.map((scene, n) =>
            makeSlot(track, (one.clips || {})[n])
        );
        track.links.devices = makeDevices(track, one.devices);
        return track;
    });
    const view = song.links.view.links;
    const detail = told.detail_clip;
    view.selected_scene = song.links.scenes[told.selected_scene || 0];
    view.detail_clip = !detail
        ? null
        : Array.isArray(detail)
          ? song.links.tracks[detail[0]].links.clip_slots[detail[1]].links.clip
          : makeClip(null, detail); // one of the arrangement
}

function dump() {
    return {
        scenes: live.song.links.scenes.length,
        tracks: live.song.links.tracks.map((track) => ({
            name: track.values.name,
            clips: track.links.clip_slots.map((slot) => {
                const clip = slot.links.clip;
                return clip && { name: clip.values.name, length: length(clip), notes: clip.notes };
            })
        }))
    };
}

function length(clip) {
    return clip.values.loop_end - clip.values.loop_start;
}

// Functions of the objects.

function finite(value, what) {
    if (typeof value !== "number" || !Number.isFinite(value)) refuse(what + " must be a number");
    return value;
}

function addNotes(clip, told) {
    const known = [
        "pitch", "start_time", "duration", "velocity", "mute", "probability",
        "velocity_deviation", "release_velocity"
    ];
    if (!told || !Array.isArray(told.notes)) refuse("add_new_notes takes {notes: [...]}");
    const made = told.notes.map((note) => {
        for (const key of Object.keys(note)) {
            if (!known.includes(key)) refuse("a note has no " + key);
        }
        if (!Number.isInteger(note.pitch) || note.pitch < 0 || note.pitch > 127) {
            refuse("pitch must be 0..127, got " + note.pitch);
        }
        finite(note.start_time, "start_time");
        if (!(finite(note.duration, "duration") > 0)) refuse("duration must be above 0");
        const velocity = note.velocity === undefined ? 100 : finite(note.velocity, "velocity");
        if (velocity < 0 || velocity > 127) refuse("velocity must be 0..127, got " + velocity);
        lastId += 1;
        return {
            note_id: lastId, pitch: note.pitch, start_time: note.start_time,
            duration: note.duration, velocity, mute: Number(note.mute || 0),
            probability: 1, velocity_deviation: 0, release_velocity: 64
        };
    });
    clip.notes.push(...made);
    return made.map((note) => note.note_id);
}

const FUNCTIONS = {
    create_scene(song, index) {
        const scenes = song.links.scenes;
        if (!Number.isInteger(index) || index < -1 || index > scenes.length) {
            refuse("create_scene takes -1 or an index, got " + index);
        }
        if (scenes.length >= live.limit) return null; // Live says so in a dialog, and that is all
        const place = index < 0 ? scenes.length : index;
        const scene = make("Scene", song, { name: "" });
        scenes.splice(place, 0, scene);
        for (const track of song.links.tracks) {
            track.links.clip_slots.splice(place, 0, makeSlot(track, null));
        }
        return ["id", scene.id];
    },
    create_clip(slot, beats) {
        const track = slot.parent;
        if (!(finite(beats, "length") > 0)) refuse("create_clip takes a length above 0");
        if (slot.links.clip) refuse("create_clip on a slot that has a clip");
        if (!track.values.has_midi_input) refuse("create_clip on a track that is not MIDI");
        if (track.values.is_frozen) refuse("create_clip on a frozen track");
        if (live.full) return null; // Live refused, and said so to the person
        slot.links.clip = makeClip(slot, { length: beats });
        return null;
    },
    add_new_notes: addNotes,
    get_notes_extended(clip, ...args) {
        if (!clip.values.is_midi_clip) refuse("get_notes_extended on an audio clip");
        if (args.length !== 4) refuse("get_notes_extended takes 4 arguments");
        const [pitch, pitches, time, times] = args.map((a) => finite(a, "an argument"));
        const found = clip.notes.filter(
            (note) =>
                note.pitch >= pitch && note.pitch < pitch + pitches &&
                note.start_time >= time && note.start_time < time + times
        );
        return JSON.stringify({ notes: found });
    }
};

// LiveAPI, as scripts see it.

function follow(path) {
    const words = String(path).trim().split(/\s+/);
    if (words[0] === "id") return objects.get(Number(words[1])) || null;
    let here;
    if (words[0] === "live_set") here = live.song;
    else if (words[0] === "this_device") here = live.me;
    else refuse("no root path " + words[0]);
    for (let n = 1; n < words.length && here; n++) {
        if (!CLASSES[here.type].children.includes(words[n])) {
            refuse(here.type + " has no child " + words[n]);
        }
        let next = words[n] === "canonical_parent" ? here.parent : here.links[words[n]];
        if (Array.isArray(next)) {
            n += 1;
            if (!/^\d+$/.test(words[n])) refuse("no index after " + words[n - 1] + " in " + path);
            next = next[Number(words[n])];
        }
        here = next || null;
    }
    return here;
}

function valueOf(one, name) {
    if (one.type === "ClipSlot" && name === "has_clip") return Number(Boolean(one.links.clip));
    if (one.type === "Clip" && name === "length") return length(one);
    if (one.type === "Scene" && name === "is_empty") return 0;
    return one.values[name];
}

function hidden(object, name, value) {
    Object.defineProperty(object, name, { value, enumerable: false });
}

function LiveAPI(path) {
    if (!ready) refuse("LiveAPI before live.thisdevice has said that the device is ready");
    if (!(this instanceof LiveAPI)) refuse("LiveAPI is called with new");
    const one = absent ? null : follow(path);
    hidden(this, "here", () => {
        if (!one || objects.get(one.id) !== one) refuse("no valid object set: " + path);
        return one;
    });
    this.id = String(one ? one.id : 0); // a string, as in Max
    this.type = one ? one.type : "";
}

LiveAPI.prototype.get = function (name) {
    const one = this.here();
    const kind = CLASSES[one.type];
    if (name in kind.properties) return [valueOf(one, name)];
    if (!kind.children.includes(name)) refuse(one.type + " has no property or child " + name);
    const found = name === "canonical_parent" ? one.parent : one.links[name];
    const list = Array.isArray(found) ? found : [found];
    return list.flatMap((other) => ["id", other ? other.id : 0]);
};

LiveAPI.prototype.set = function (name, value) {
    const one = this.here();
    if (CLASSES[one.type].properties[name] !== "w") refuse(one.type + " cannot set " + name);
    one.values[name] = value;
};

LiveAPI.prototype.call = function (name, ...args) {
    const one = this.here();
    if (!CLASSES[one.type].functions.includes(name)) refuse(one.type + " has no function " + name);
    if (!FUNCTIONS[name]) refuse(name + " is not simulated");
    return FUNCTIONS[name](one, ...args);
};

LiveAPI.prototype.getcount = function (name) {
    return this.get(name).length / 2;
};

module.exports = {
    LiveAPI,
    load,
    dump,
    setReady(is) {
        ready = is;
    },
    setAbsent(is) {
        absent = is;
    }
};
